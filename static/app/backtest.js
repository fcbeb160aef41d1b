// The price chart of a backtest: every trade on the candle it happened in. Far away in long candles, near in its own.
(function () {
  "use strict";
  var box = document.getElementById("price"), lib = window.LightweightCharts;
  if (!box || !lib) return;
  var message = box.querySelector("[data-message]"), note = document.getElementById("price-note"), legend = document.getElementById("price-legend");
  var chart, candles, markers, shown = null, byTime = new Map(), asking = 0, settling = 0;
  // So many arrows are told apart; of more, a dot for several.
  var MOST_ARROWS = 160, ROOM = 56, NEAR_BARS = 120;

  function colours() {
    var style = getComputedStyle(document.documentElement);
    var isDark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    return { text: isDark ? "#aab4c5" : "#4b5768", grid: isDark ? "rgba(255,255,255,.06)" : "rgba(20,40,80,.07)",
      up: style.getPropertyValue("--up").trim(), down: style.getPropertyValue("--down").trim() };
  }
  function options() {
    var c = colours();
    return {
      layout: { background: { color: "transparent" }, textColor: c.text, attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { vertLines: { color: c.grid }, horzLines: { color: c.grid } },
      rightPriceScale: { borderColor: c.grid }, timeScale: { borderColor: c.grid, timeVisible: true, secondsVisible: false, minBarSpacing: 0.05 },
      crosshair: { mode: lib.CrosshairMode.Normal },
    };
  }
  function candleOptions() {
    var c = colours();
    return { upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down, borderVisible: false };
  }
  function draw() {
    message.remove();
    chart = lib.createChart(box, Object.assign({ autoSize: true }, options()));
    candles = chart.addSeries(lib.CandlestickSeries, candleOptions());
    markers = lib.createSeriesMarkers(candles, []);
    chart.timeScale().subscribeVisibleTimeRangeChange(function () { mark(); settle(); });
    chart.subscribeCrosshairMove(function (at) { tell(at.time, at.seriesData && at.seriesData.get(candles)); });
  }
  function signed(value) { return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2); }
  function number(value) { return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: value < 1 ? 8 : 2 }); }
  function words(trade) {
    var text = trade.side === "BUY" ? box.dataset.buy : box.dataset.sell;
    if (trade.count > 1) text += " ×" + trade.count;
    return trade.pnl === null ? text : text + " " + signed(trade.pnl);
  }
  // The trades in sight: arrows with words while there is room, then arrows, then a dot for neighbours, coloured by what they came to.
  function mark() {
    if (!shown) return;
    var range = chart.timeScale().getVisibleRange();
    var seen = range ? shown.trades.filter(function (trade) { return trade.time >= range.from && trade.time <= range.to; }) : shown.trades;
    var isMany = seen.length > MOST_ARROWS, before = -Infinity, c = colours();
    var hasRoom = !isMany && seen.every(function (trade) {
      var at = chart.timeScale().timeToCoordinate(trade.time), gap = at - before;
      before = at;
      return gap === 0 || gap >= ROOM;
    });
    markers.setMarkers(isMany ? dots(seen, c) : seen.map(function (trade) {
      var isBuy = trade.side === "BUY";
      return { time: trade.time, position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
        color: isBuy ? c.up : c.down, text: hasRoom ? words(trade) : "" };
    }));
    note.textContent = note.dataset.all + " " + shown.interval + (isMany || seen.some(function (trade) { return trade.count > 1; }) ? " · " + note.dataset.grouped : "");
  }
  function dots(seen, c) {
    var results = [], together = Math.ceil(seen.length / MOST_ARROWS);
    seen.forEach(function (trade, index) {
      if (index % together === 0) results.push({ time: trade.time, pnl: 0 });
      results[results.length - 1].pnl += trade.pnl || 0;
    });
    return results.map(function (one) {
      return { time: one.time, position: "aboveBar", shape: "circle", size: 0.3, color: one.pnl > 0 ? c.up : one.pnl < 0 ? c.down : c.text };
    });
  }
  function tell(time, candle) {
    legend.replaceChildren();
    var parts = candle ? ["O " + number(candle.open), "H " + number(candle.high), "L " + number(candle.low), "C " + number(candle.close)] : [];
    (byTime.get(time) || []).forEach(function (trade) { parts.push([words(trade), number(trade.price), trade.reason].filter(Boolean).join(" · ")); });
    parts.forEach(function (part) {
      var item = document.createElement("span");
      item.textContent = part;
      legend.appendChild(item);
    });
  }
  function show(data, focus) {
    if (!data || !data.candles.length) { if (!chart) message.textContent = box.dataset.empty; return; }
    if (!chart) draw();
    shown = null;
    candles.setData(data.candles.map(function (row) { return { time: row[0], open: row[1], high: row[2], low: row[3], close: row[4] }; }));
    byTime = new Map();
    data.trades.forEach(function (trade) { byTime.set(trade.time, (byTime.get(trade.time) || []).concat(trade)); });
    shown = data;
    if (focus) chart.timeScale().setVisibleRange(focus); else chart.timeScale().fitContent();
    box.dataset.interval = data.interval;
    box.dataset.trades = data.trades.reduce(function (sum, trade) { return sum + trade.count; }, 0);
    mark();
  }
  function ask(from, to, focus) {
    var number = asking += 1;
    var query = from === null ? "" : "?from=" + Math.floor(from) + "&to=" + Math.ceil(to);
    fetch(box.dataset.url + query, { headers: { Accept: "application/json", "HX-Request": "true" } })
      .then(function (answer) { return answer.status === 200 ? answer.json() : null; }, function () { return null; })
      .then(function (data) { if (number === asking) show(data, focus); });
  }
  // Once the hand rests: shorter candles where few are in sight, more of them where the drawn ones end.
  function settle() {
    window.clearTimeout(settling);
    settling = window.setTimeout(function () {
      var bars = shown && shown.candles.length > 1 && chart.timeScale().getVisibleLogicalRange();
      if (!bars) return;
      var isNear = !shown.is_finest && bars.to - bars.from < NEAR_BARS;
      var isBeyond = bars.from < -5 && !shown.reaches_start || bars.to > shown.candles.length + 5 && !shown.reaches_end;
      if (!isNear && !isBeyond) return;
      // What is in sight as instants, also where nothing is drawn yet.
      var first = shown.candles[0][0], length = shown.candles[1][0] - first, width = (bars.to - bars.from) * length;
      var from = Math.round(first + bars.from * length), to = Math.round(first + bars.to * length);
      ask(Math.max(from - width, 0), Math.max(to + width, 0), { from: from, to: to });
    }, 350);
  }
  document.getElementById("price-whole").addEventListener("click", function () { ask(null, null, null); });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-show-from]");
    if (button) {
      var from = Number(button.dataset.showFrom) / 1000, to = Number(button.dataset.showTo) / 1000, side = Math.max((to - from) / 2, 40 * Number(box.dataset.own));
      ask(from - 4 * side, to + 4 * side, { from: from - side, to: to + side });
      box.closest("section").scrollIntoView({ block: "center" });
    }
    if (event.target.closest("[data-print]")) window.print();
  });
  document.addEventListener("themechange", function () {
    if (!chart) return;
    chart.applyOptions(options());
    candles.applyOptions(candleOptions());
    mark();
  });
  ask(null, null, null);
})();
