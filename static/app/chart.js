// The candle chart of a bot: drawn once, then only what is new is asked for, so that it never jumps or reloads.
(function () {
  "use strict";
  var box = document.getElementById("chart");
  if (!box || !window.LightweightCharts) return;
  var lib = window.LightweightCharts;
  var message = box.querySelector("[data-message]");
  var legend = document.getElementById("chart-legend");
  var LINES = ["#f59f00", "#4c8dff", "#b266ff", "#0ca678", "#868e96", "#d6336c"];
  var choice = document.getElementById("chart-overlay");
  var EVERY_MS = 3000;
  var over = [], laid = { name: "", candle: null };
  var chart, candles, markers, entryLine, lines = [], last = null, newest = null, busy = false, again = false, trades = [], hasRoom = true, entryPrice = null;

  function colours() {
    var style = getComputedStyle(document.documentElement);
    var isDark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    return {
      text: isDark ? "#aab4c5" : "#4b5768", grid: isDark ? "rgba(255,255,255,.06)" : "rgba(20,40,80,.07)",
      up: style.getPropertyValue("--up").trim(), down: style.getPropertyValue("--down").trim(),
    };
  }
  function options() {
    var c = colours();
    return {
      layout: { background: { color: "transparent" }, textColor: c.text, attributionLogo: false,
        fontFamily: getComputedStyle(document.body).fontFamily, panes: { separatorColor: c.grid, enableResize: false } },
      grid: { vertLines: { color: c.grid }, horzLines: { color: c.grid } },
      rightPriceScale: { borderColor: c.grid }, timeScale: { borderColor: c.grid, timeVisible: true, secondsVisible: false },
      crosshair: { mode: lib.CrosshairMode.Normal },
    };
  }
  function candleOptions() {
    var c = colours();
    return { upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down, borderVisible: false };
  }
  function draw() {
    chart = lib.createChart(box, Object.assign({ autoSize: true }, options()));
    candles = chart.addSeries(lib.CandlestickSeries, candleOptions());
    markers = lib.createSeriesMarkers(candles, []);
    chart.timeScale().subscribeVisibleTimeRangeChange(showTrades);
    document.dispatchEvent(new CustomEvent("chart:drawn", { detail: { chart: chart, candles: candles, lib: lib } }));
    chart.subscribeClick(function (at) { if (at.time && box.dataset.why) askWhy(at.time); });
    chart.subscribeCrosshairMove(function (at) { showLegend(at.seriesData && at.seriesData.get(candles)); });
  }
  // The candle that was clicked: the panel beside the chart says why the bot did or did not trade on it.
  function askWhy(seconds) {
    window.htmx.ajax("GET", box.dataset.why + "?candle=" + seconds * 1000, { target: "#why-candle", swap: "innerHTML" })
      .then(function () { document.getElementById("why-candle").scrollIntoView({ block: "nearest" }); });
  }
  function number(value) { return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: value < 1 ? 8 : 2 }); }
  function showLegend(candle) {
    candle = candle || newest;
    if (!candle) return;
    legend.replaceChildren();
    function add(text, swatch) {
      var item = document.createElement("span");
      if (swatch !== undefined) {
        var mark = document.createElement("span");
        mark.className = "legend-swatch swatch-" + swatch;
        item.appendChild(mark);
      }
      item.appendChild(document.createTextNode(text));
      legend.appendChild(item);
    }
    add("O " + number(candle.open)); add("H " + number(candle.high)); add("L " + number(candle.low)); add("C " + number(candle.close));
    lines.forEach(function (line, index) { add(line.name, index); });
    over.forEach(function (line, index) { add(line.name, 3 + index); });
    if (choice.value && choice.value !== laid.name) add(choice.selectedOptions[0].text + " …");
    if (entryPrice !== null) add("╌ " + box.dataset.entry + " " + number(entryPrice));
  }
  function asCandle(row) { return { time: row[0], open: row[1], high: row[2], low: row[3], close: row[4] }; }
  function asPoint(row) { return { time: row[0], value: row[1] }; }
  function asMarker(trade) {
    var c = colours(), isBuy = trade.side === "BUY";
    var result = trade.pnl === null ? "" : " " + (trade.pnl > 0 ? "+" : trade.pnl < 0 ? "−" : "") + Math.abs(trade.pnl).toFixed(2);
    return { time: trade.time, position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
      color: isBuy ? c.up : c.down, text: hasRoom ? (isBuy ? box.dataset.buy : box.dataset.sell) + result : "" };
  }
  // Words beside the arrows only while they do not cover one another.
  function showTrades() {
    var scale = chart.timeScale(), before = -Infinity;
    hasRoom = trades.every(function (trade) {
      var at = scale.timeToCoordinate(trade.time);
      if (at === null || at < 0 || at > box.clientWidth) return true;
      var gap = at - before;
      before = at;
      return gap === 0 || gap >= 56;
    });
    markers.setMarkers(trades.map(asMarker));
  }
  function showEntry(price) {
    entryPrice = price;
    if (entryLine) candles.removePriceLine(entryLine);
    entryLine = price === null ? null : candles.createPriceLine({ price: price, color: colours().text, lineStyle: lib.LineStyle.Dashed, lineWidth: 1, axisLabelVisible: true, title: "" });
  }
  function show(data) {
    if (!data.candles.length) {
      if (!chart) message.textContent = box.dataset.empty;
      return;
    }
    if (!chart) { message.remove(); draw(); }
    if (last === null) {
      candles.setData(data.candles.map(asCandle));
      lines = data.lines.map(function (line, index) {
        var series = chart.addSeries(lib.LineSeries, { color: LINES[index], lineWidth: 1, priceLineVisible: false, lastValueVisible: line.pane > 0, crosshairMarkerVisible: false }, line.pane);
        series.setData(line.points.map(asPoint));
        line.levels.forEach(function (level) { series.createPriceLine({ price: level, color: "rgba(134,142,150,.6)", lineWidth: 1, lineStyle: lib.LineStyle.Dashed, axisLabelVisible: level !== 0, title: "" }); });
        return { name: line.name, series: series };
      });
      // What lies below the candles takes a quarter of the room.
      chart.panes().forEach(function (pane, index) { pane.setStretchFactor(index ? 1 : 3); });
      box.dataset.panes = chart.panes().length;
      var shown = data.candles.length;
      chart.timeScale().setVisibleLogicalRange({ from: shown - Math.min(shown, box.clientWidth < 500 ? 50 : 110), to: shown + 4 });
    } else {
      // The candle before the newest comes again, because it was still running when it was drawn.
      data.candles.forEach(function (row) { candles.update(asCandle(row), row[0] < newest.time); });
      data.lines.forEach(function (line, index) {
        if (lines[index]) line.points.forEach(function (row) { lines[index].series.update(asPoint(row), row[0] < newest.time); });
      });
    }
    // While the exchange is away the running candle is missing: what is drawn does not step back.
    var end = asCandle(data.candles[data.candles.length - 1]);
    if (newest === null || end.time >= newest.time) {
      newest = end;
      last = data.candles.length > 1 ? data.candles[data.candles.length - 2][0] : end.time;
    }
    trades = data.trades;
    showTrades();
    box.dataset.trades = data.trades.length;
    showEntry(data.entry_price);
    document.dispatchEvent(new CustomEvent("chart:data", { detail: data }));
    showLegend();
    box.title = data.is_current ? "" : box.dataset.stale;
  }
  function refresh() {
    if (document.hidden) return;
    if (busy) { again = true; return; }
    busy = true;
    fetch(box.dataset.url + (last === null ? "" : "?since=" + last), { headers: { Accept: "application/json", "HX-Request": "true" } })
      .then(function (answer) { return answer.status === 200 ? answer.json() : null; }, function () { return null; })
      .then(function (data) { if (data) show(data); else if (!chart) message.textContent = box.dataset.empty; })
      .finally(function () { busy = false; if (again) { again = false; refresh(); } });
  }
  // The overlay comes whole, from a worker: asked for when chosen, until it is there, and again for every new candle.
  function layOver() {
    var name = choice.value, candle = newest && newest.time;
    if (!chart || document.hidden || laid.name === name && laid.candle === candle) return;
    if (!name) { putOver({ name: name, candle: candle }, []); return; }
    fetch(choice.dataset.url.replace("NAME", name), { headers: { Accept: "application/json", "HX-Request": "true" } })
      .then(function (answer) { return answer.status === 200 ? answer.json() : null; }, function () { return null; })
      .then(function (data) { if (data && !data.is_pending && choice.value === name) putOver({ name: name, candle: candle }, data.lines); });
  }
  function putOver(now, found) {
    if (now.name !== laid.name || found.length !== over.length) {
      over.forEach(function (line) { chart.removeSeries(line.series); });
      over = found.map(function (line, index) {
        return { name: line.name, series: chart.addSeries(lib.LineSeries, { color: LINES[3 + index], lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false }) };
      });
    }
    found.forEach(function (line, index) { over[index].series.setData(line.points.map(asPoint)); });
    laid = now;
    showLegend();
  }
  choice.addEventListener("change", function () { layOver(); showLegend(); });
  window.setInterval(layOver, 1000);
  document.body.addEventListener(box.dataset.event, refresh);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("themechange", function () {
    if (!chart) return;
    chart.applyOptions(options());
    candles.applyOptions(candleOptions());
    refresh();
  });
  window.setInterval(refresh, EVERY_MS);
  refresh();
})();
