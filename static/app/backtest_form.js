// The days of the backtest form keep to what is known of the symbol, and are chosen by one press.
(function () {
  "use strict";
  var days = document.getElementById("days");
  var first = document.getElementById("id_start_time"), last = document.getElementById("id_end_time");
  if (!days || !first || !last) return;

  function known() { return days.querySelector("[data-first]"); }
  function set(from, to) {
    first.value = from;
    last.value = to;
    first.dispatchEvent(new Event("change", { bubbles: true }));
    last.dispatchEvent(new Event("change", { bubbles: true }));
  }
  // As many days as asked for, the last known one among them.
  function choose(count) {
    var range = known().dataset;
    if (count === "all") { set(range.first, range.last); return; }
    var from = new Date(range.last + "T00:00:00Z");
    from.setUTCDate(from.getUTCDate() - Number(count) + 1);
    var day = from.toISOString().slice(0, 10);
    set(day < range.first ? range.first : day, range.last);
  }
  days.addEventListener("click", function (event) {
    var button = event.target.closest("[data-days]");
    if (button && known()) choose(button.dataset.days);
  });
  // Each market asks its own questions; what the other one asks goes back to what it means there.
  var form = document.getElementById("bot-form"), market = document.getElementById("id_position_type");
  function put(id, value) {
    var input = document.getElementById(id);
    if (input) input.value = value;
  }
  if (market) market.addEventListener("change", function () {
    form.dataset.market = market.value;
    if (market.value === "futures") put("id_source", "binance");
    else { put("id_direction", "long"); put("id_leverage", ""); }
    form.querySelectorAll("[data-empty-" + market.value + "]").forEach(function (input) {
      input.placeholder = input.getAttribute("data-empty-" + market.value);
    });
  });
  // Another symbol or source: days it does not have are not kept.
  days.addEventListener("htmx:afterSwap", function () {
    if (!known()) return;
    var range = known().dataset;
    [first, last].forEach(function (input) { input.min = range.first; input.max = range.last; });
    if (first.value < range.first || first.value > range.last || last.value < range.first || last.value > range.last) choose("all");
  });
})();
