// A symbol's page: candles of the chosen interval with indicators, the running candle moved by every live price, and a
// nudge for the order book while somebody looks.
(function () {
  "use strict";
  var box = document.getElementById("market-chart");
  if (!box || !window.LightweightCharts) return;
  var lib = window.LightweightCharts;
  var legend = document.getElementById("chart-legend"), overlay = document.getElementById("chart-overlay");
  var message = box.querySelector("[data-message]");
  var COLOURS = { ema9: "#f59f00", ema21: "#4c8dff", ema50: "#b266ff", rsi14: "#0ca678" };
  var OVER = ["#0ca678", "#868e96", "#d6336c"];
  var CANDLES_MS = 4000, BOOK_MS = 1500;
  var LENGTHS = { m: 60, h: 3600, d: 86400 };
  var chart, candles, volumes, lines = {}, over = [], laid = "", newest = null, last = null, shown = "", request = 0;

  function chosen(name) {
    return Array.from(document.querySelectorAll("input[name=" + name + "]:checked")).map(function (item) { return item.value; });
  }
  function interval() { return chosen("interval")[0]; }
  function seconds() { var name = interval(); return Number(name.slice(0, -1)) * LENGTHS[name.slice(-1)]; }
  function style(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function options() {
    var isDark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    var grid = isDark ? "rgba(255,255,255,.06)" : "rgba(20,40,80,.07)";
    return {
      layout: { background: { color: "transparent" }, textColor: isDark ? "#aab4c5" : "#4b5768", attributionLogo: false,
        fontFamily: getComputedStyle(document.body).fontFamily, panes: { separatorColor: grid, separatorHoverColor: grid } },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: grid }, timeScale: { borderColor: grid, timeVisible: true, secondsVisible: false },
      crosshair: { mode: lib.CrosshairMode.Normal },
    };
  }
  function candleOptions() {
    var up = style("--up"), down = style("--down");
    return { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false };
  }
  function lineOptions(colour) {
    return { color: colour, lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
  }
  function draw() {
    message.remove();
    chart = lib.createChart(box, Object.assign({ autoSize: true }, options()));
    candles = chart.addSeries(lib.CandlestickSeries, candleOptions());
    volumes = chart.addSeries(lib.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false, color: "rgba(120,140,170,.28)" });
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    candles.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.2 } });
    chart.subscribeCrosshairMove(function (at) { tell(at.seriesData && at.seriesData.get(candles)); });
  }
  function number(value) { return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: value < 1 ? 8 : 2 }); }
  function item(text, colour) {
    var node = document.createElement("span");
    if (colour) {
      var swatch = document.createElement("span");
      swatch.className = "legend-swatch";
      swatch.style.background = colour;
      node.appendChild(swatch);
    }
    node.appendChild(document.createTextNode(text));
    legend.appendChild(node);
  }
  function tell(candle) {
    candle = candle || newest;
    if (!candle) return;
    legend.replaceChildren();
    item("O " + number(candle.open)); item("H " + number(candle.high)); item("L " + number(candle.low)); item("C " + number(candle.close));
    Object.keys(lines).forEach(function (key) { item(lines[key].name, COLOURS[key]); });
    over.forEach(function (line, index) { item(line.name, OVER[index]); });
    if (overlay.value && !over.length) item(overlay.selectedOptions[0].text + " …");
  }
  function asCandle(row) { return { time: row[0], open: row[1], high: row[2], low: row[3], close: row[4] }; }
  function asVolume(row) { return { time: row[0], value: row[5] }; }
  function asPoint(row) { return { time: row[0], value: row[1] }; }
  function isRsi(key) { return key.indexOf("rsi") === 0; }
  function addLine(line) {
    var series = chart.addSeries(lib.LineSeries, lineOptions(COLOURS[line.key]), isRsi(line.key) ? 1 : 0);
    if (isRsi(line.key)) {
      [30, 70].forEach(function (level) { series.createPriceLine({ price: level, color: "rgba(134,142,150,.5)", lineWidth: 1, lineStyle: lib.LineStyle.Dashed, axisLabelVisible: false, title: "" }); });
      series.applyOptions({ autoscaleInfoProvider: function () { return { priceRange: { minValue: 15, maxValue: 85 } }; } });
      series.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.08 } });
      chart.panes()[0].setStretchFactor(3);
      chart.panes()[1].setStretchFactor(1);
    }
    return { name: line.name, series: series };
  }
  function putAll(data) {
    candles.setData(data.candles.map(asCandle));
    volumes.setData(data.candles.map(asVolume));
    var wanted = data.lines.map(function (line) { return line.key; });
    Object.keys(lines).forEach(function (key) {
      if (wanted.indexOf(key) < 0) { chart.removeSeries(lines[key].series); delete lines[key]; }
    });
    data.lines.forEach(function (line) {
      if (!lines[line.key]) lines[line.key] = addLine(line);
      lines[line.key].series.setData(line.points.map(asPoint));
    });
  }
  function putNews(data) {
    data.candles.forEach(function (row) {
      candles.update(asCandle(row), newest !== null && row[0] < newest.time);
      volumes.update(asVolume(row), newest !== null && row[0] < newest.time);
    });
    data.lines.forEach(function (line) {
      if (lines[line.key]) line.points.forEach(function (row) { lines[line.key].series.update(asPoint(row), newest !== null && row[0] < newest.time); });
    });
  }
  function show(data, wanted) {
    if (!data.candles.length) { if (!chart) message.textContent = box.dataset.empty; return; }
    if (!chart) draw();
    var isNew = wanted !== shown, isOther = isNew && wanted.split("|")[0] !== shown.split("|")[0];
    if (isNew) putAll(data); else putNews(data);
    shown = wanted;
    if (isOther) {
      var count = data.candles.length;
      chart.timeScale().setVisibleLogicalRange({ from: count - Math.min(count, box.clientWidth < 500 ? 50 : 120), to: count + 4 });
    }
    var end = asCandle(data.candles[data.candles.length - 1]);
    if (isNew || newest === null || end.time >= newest.time) {
      newest = end;
      last = data.candles.length > 1 ? data.candles[data.candles.length - 2][0] : end.time;
    }
    box.dataset.last = newest.close;
    box.title = data.is_current ? "" : box.dataset.stale;
    tell();
    layOver();
  }
  function get(url) {
    return fetch(url, { headers: { Accept: "application/json", "HX-Request": "true" } })
      .then(function (answer) { return answer.status === 200 ? answer.json() : null; }, function () { return null; });
  }
  function refresh() {
    if (document.hidden) return;
    var wanted = interval() + "|" + chosen("study").join(","), mine = ++request;
    var news = wanted === shown && last !== null ? "&since=" + last : "";
    get(box.dataset.url + "?interval=" + interval() + "&studies=" + chosen("study").join(",") + news).then(function (data) {
      if (mine !== request) return; // somebody has chosen otherwise meanwhile
      if (data) show(data, wanted); else if (!chart) message.textContent = box.dataset.empty;
    });
  }
  // The overlay comes whole, from a worker: asked for until it is there, and again for every new candle.
  function layOver() {
    var name = overlay.value, wanted = name + "|" + interval() + "|" + (newest && newest.time);
    if (!chart || document.hidden || wanted === laid) return;
    if (!name) { putOver([], wanted); return; }
    get(overlay.dataset.url.replace("NAME", name) + "?interval=" + interval()).then(function (data) {
      if (data && !data.is_pending && overlay.value === name) putOver(data.lines, wanted);
    });
  }
  function putOver(found, wanted) {
    over.forEach(function (line) { chart.removeSeries(line.series); });
    over = found.map(function (line, index) {
      var series = chart.addSeries(lib.LineSeries, lineOptions(OVER[index]));
      series.setData(line.points.map(asPoint));
      return { name: line.name, series: series };
    });
    laid = wanted;
    tell();
  }
  // A live price moves the running candle at once; the exchange's own candle follows with the next look.
  document.addEventListener("prices", function (event) {
    var row = event.detail.rows[box.dataset.symbol];
    if (!row || !newest || !chart || shown.split("|")[0] !== interval()) return;
    var time = Math.floor(row.at / 1000 / seconds()) * seconds();
    if (time < newest.time) return;
    var before = time === newest.time ? newest : { open: row.raw, high: row.raw, low: row.raw };
    newest = { time: time, open: before.open, high: Math.max(before.high, row.raw), low: Math.min(before.low, row.raw), close: row.raw };
    candles.update(newest);
    box.dataset.last = newest.close;
    tell();
  });
  document.querySelectorAll("input[name=interval], input[name=study]").forEach(function (input) {
    input.addEventListener("change", function () {
      window.history.replaceState(null, "", "?interval=" + interval());
      refresh();
    });
  });
  overlay.addEventListener("change", function () { layOver(); tell(); });
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("themechange", function () {
    if (!chart) return;
    chart.applyOptions(options());
    candles.applyOptions(candleOptions());
  });
  window.setInterval(refresh, CANDLES_MS);
  window.setInterval(layOver, 1000);
  window.setInterval(function () {
    if (!document.hidden) document.body.dispatchEvent(new CustomEvent("book-due"));
  }, BOOK_MS);
  refresh();
})();
