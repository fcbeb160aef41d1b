// Prices as they come: one stream of events a page, laid into whatever carries data-quote="SYMBOL"; the chart hears them
// as `prices` events of the document. Away from the server the page says since when prices stand still.
(function () {
  "use strict";
  var box = document.querySelector("[data-prices-stream]");
  if (!box) return;
  var SILENCE_MS = 12000, LOOK_MS = 2000;
  var pulse = document.getElementById("price-pulse");
  var source = null, heard = Date.now(), learnt = Number(pulse.dataset.at) || null, saidStill = null, known = {};

  function lay(place, row, before) {
    var shown = place.querySelector("[data-price]");
    if (shown && shown.textContent !== row.price) {
      shown.textContent = row.price;
      if (before) flash(shown, row.raw > before.raw ? "went-up" : "went-down");
    }
    place.querySelectorAll("[data-change]").forEach(function (item) {
      item.textContent = row.change;
      item.classList.remove("figure-up", "figure-down", "figure-flat");
      item.classList.add(row.direction);
    });
    var volume = place.querySelector("[data-volume]");
    if (volume) volume.textContent = row.volume;
  }
  function flash(item, name) {
    item.classList.remove("went-up", "went-down");
    void item.offsetWidth; // the animation begins anew
    item.classList.add(name);
  }
  function layAll(rows) {
    document.querySelectorAll("[data-quote]").forEach(function (place) {
      var row = rows[place.dataset.quote];
      if (row) lay(place, row, known[place.dataset.quote]);
    });
    Object.assign(known, rows);
  }
  function say(isStill) {
    var at = learnt === null ? null : new Date(learnt).toISOString().slice(11, 19);
    var words = !isStill ? pulse.dataset.moving : at === null ? pulse.dataset.never : pulse.dataset.still.replace("TIME", at);
    if (words === saidStill) return; // a live region speaks only when something is new
    saidStill = words;
    pulse.querySelector("[data-words]").textContent = words;
    pulse.classList.toggle("is-still", isStill);
  }
  function open() {
    source = new EventSource(box.dataset.pricesStream);
    source.addEventListener("prices", function (event) {
      var told = JSON.parse(event.data);
      heard = Date.now();
      if (told.at !== null) learnt = told.at;
      say(told.still);
      layAll(told.rows);
      document.dispatchEvent(new CustomEvent("prices", { detail: told }));
    });
    source.onerror = function () {
      if (source && source.readyState === EventSource.CLOSED) { source = null; window.setTimeout(resume, 5000); }
    };
  }
  function resume() { if (!source && !document.hidden) { heard = Date.now(); open(); } }
  function rest() { if (source) source.close(); source = null; }
  // A browser allows six connections to a host: hidden tabs give theirs back.
  document.addEventListener("visibilitychange", function () { if (document.hidden) rest(); else resume(); });
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", resume);
  // Rows that a search has brought carry prices of a moment ago.
  document.body.addEventListener("htmx:afterSwap", function () { layAll(known); });
  window.setInterval(function () {
    if (document.hidden || Date.now() - heard < SILENCE_MS) return;
    say(true);
    rest();
    resume();
  }, LOOK_MS);
  resume();
})();
