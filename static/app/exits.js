// Stop and target on the chart: lines that follow the books, with handles to drag them by mouse, finger or keyboard.
// Nothing is set here: letting go asks the server what the new price would mean, and its dialog asks before it is done.
(function () {
  "use strict";
  var box = document.getElementById("chart");
  if (!box || !box.dataset.exits) return;
  // How far a line may lie beside the candles to be shown with them, in heights of what they cover.
  var MOST_ROOM = 1.2;
  var drawn = null, exits = null, held = null, lines = {};

  function colourOf(kind) {
    var name = kind === "stop" ? "--down" : "--up";
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function digits() { return Math.max(0, Math.ceil(-Math.log10(exits.tick) - 1e-9)); }
  function onTick(price) { return Number((Math.round(price / exits.tick) * exits.tick).toFixed(digits())); }
  function shown(value, places) {
    return Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  }
  function signed(value, places) { return (value > 0 ? "+" : value < 0 ? "−" : "") + shown(value, places); }
  function meaning(line, price) {
    var result = exits.quantity * price * (1 - exits.fee) - exits.cost;
    var name = line.field === "trailing_stop_price" ? box.dataset.trail : box.dataset[line.kind];
    return name + " " + shown(price, digits()) + " · " + signed(result, 2) + " " + box.dataset.asset;
  }

  function remove(kind) {
    drawn.candles.removePriceLine(lines[kind].drawnLine);
    lines[kind].handle.remove();
    delete lines[kind];
  }
  function make(line) {
    var handle = document.createElement("button");
    handle.type = "button";
    handle.className = "exit-handle exit-" + line.kind;
    handle.dataset.kind = line.kind;
    handle.title = box.dataset.drag;
    box.appendChild(handle);
    var options = { price: line.price, color: colourOf(line.kind), lineWidth: 2, lineStyle: drawn.lib.LineStyle.Solid, axisLabelVisible: true, title: "" };
    return { handle: handle, drawnLine: drawn.candles.createPriceLine(options) };
  }
  function put(line, price) {
    var made = lines[line.kind];
    made.price = price;
    made.drawnLine.applyOptions({ price: price, color: colourOf(line.kind) });
    made.handle.textContent = meaning(line, price);
    made.handle.disabled = exits.is_closing || !exits.tick;
    box.dataset[line.kind + "Price"] = price;
    place();
  }
  function place() {
    Object.keys(lines).forEach(function (kind) {
      var y = drawn.candles.priceToCoordinate(lines[kind].price), handle = lines[kind].handle;
      // A line outside what is shown waits at the edge, so that it can be found and pulled in.
      var inside = y === null ? null : Math.min(Math.max(y, 14), drawn.chart.panes()[0].getHeight() - 14);
      handle.hidden = inside === null;
      handle.classList.toggle("is-beyond", inside !== y);
      handle.style.top = inside + "px";
    });
  }
  function draw() {
    if (!drawn) return;
    var wanted = exits ? exits.lines : [];
    Object.keys(lines).forEach(function (kind) {
      if (!wanted.some(function (line) { return line.kind === kind; })) remove(kind);
    });
    wanted.forEach(function (line) {
      if (!lines[line.kind]) lines[line.kind] = make(line);
      if (!held || held.line.kind !== line.kind) put(line, line.price);
    });
  }

  function lineOf(handle) { return exits.lines.find(function (line) { return line.kind === handle.dataset.kind; }); }
  function hold(handle) {
    var line = lineOf(handle);
    if (!held || held.line.kind !== line.kind) held = { line: line, price: line.price, isAsked: false };
    handle.classList.add("is-held");
  }
  function moveTo(price) {
    if (!(price > 0)) return;
    held.price = onTick(price);
    put(held.line, held.price);
  }
  function letGo() {
    if (!held) return;
    var made = lines[held.line.kind];
    if (made) made.handle.classList.remove("is-held");
    held = null;
    draw();
  }
  function ask() {
    if (!held) return;
    if (held.price === held.line.price) { letGo(); return; }
    held.isAsked = true;
    var query = "?" + held.line.field + "=" + held.price.toFixed(digits());
    window.htmx.ajax("GET", box.dataset.exits + query, { target: "#dialog-body", swap: "innerHTML" });
  }

  box.addEventListener("pointerdown", function (event) {
    var handle = event.target.closest(".exit-handle");
    if (!handle || handle.disabled) return;
    hold(handle);
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.stopPropagation();
  }, true);
  box.addEventListener("pointermove", function (event) {
    var handle = event.target.closest(".exit-handle");
    if (!handle || !held || held.isAsked || !handle.hasPointerCapture(event.pointerId)) return;
    moveTo(drawn.candles.coordinateToPrice(event.clientY - box.getBoundingClientRect().top));
  });
  box.addEventListener("pointerup", function (event) { if (event.target.closest(".exit-handle")) ask(); });
  box.addEventListener("pointercancel", letGo);
  box.addEventListener("keydown", function (event) {
    var handle = event.target.closest(".exit-handle");
    if (!handle) return;
    var way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (way) {
      hold(handle);
      var step = Math.max(exits.tick, held.price * 0.0005) * (event.shiftKey ? 10 : 1);
      moveTo(held.price + way * step);
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      ask();
      event.preventDefault();
    } else if (event.key === "Escape") {
      letGo();
    }
  });
  document.addEventListener("close", function (event) { if (event.target.id === "dialog") letGo(); }, true);
  // Stop and target belong to what is shown, as long as the candles stay readable beside them.
  function withExits(original) {
    var found = original(), range = found && found.priceRange;
    if (!range || !exits) return found;
    var least = range.minValue, most = range.maxValue, room = (most - least) * MOST_ROOM;
    exits.lines.forEach(function (line) {
      if (line.price < least && least - line.price <= room) least = line.price;
      if (line.price > most && line.price - most <= room) most = line.price;
    });
    found.priceRange = { minValue: least, maxValue: most };
    return found;
  }
  document.addEventListener("chart:drawn", function (event) {
    drawn = event.detail;
    drawn.candles.applyOptions({ autoscaleInfoProvider: withExits });
    drawn.chart.subscribeCrosshairMove(place);
    drawn.chart.timeScale().subscribeVisibleLogicalRangeChange(place);
    window.setInterval(place, 150);
  });
  document.addEventListener("chart:data", function (event) { exits = event.detail.exits; draw(); });
  document.addEventListener("themechange", draw);
})();
