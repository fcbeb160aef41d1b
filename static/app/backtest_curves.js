// Curves of backtests: equity beside buy-and-hold with the drawdown below it; or the equity of several in percent.
(function () {
  "use strict";
  var lib = window.LightweightCharts;
  if (!lib) return;
  var COLOURS = ["#f59f00", "#4c8dff", "#b266ff", "#0ca678", "#868e96", "#d6336c"];
  var MINE = 1, HOLD = 4, FALL = 5;

  function options() {
    var isDark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    var grid = isDark ? "rgba(255,255,255,.06)" : "rgba(20,40,80,.07)";
    return {
      layout: { background: { color: "transparent" }, textColor: isDark ? "#aab4c5" : "#4b5768", attributionLogo: false,
        fontFamily: getComputedStyle(document.body).fontFamily, panes: { separatorColor: grid, enableResize: false } },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: grid }, timeScale: { borderColor: grid, timeVisible: true, secondsVisible: false, minBarSpacing: 0.01 },
      crosshair: { mode: lib.CrosshairMode.Normal },
    };
  }
  function made(box) {
    box.querySelector("[data-message]").remove();
    var chart = lib.createChart(box, Object.assign({ autoSize: true }, options()));
    document.addEventListener("themechange", function () { chart.applyOptions(options()); });
    return chart;
  }
  function line(chart, colour, extra) {
    return chart.addSeries(lib.LineSeries, Object.assign({ color: COLOURS[colour], lineWidth: 2, priceLineVisible: false }, extra));
  }
  function percent(value, places) { return value.toFixed(places).replace("-", "−") + " %"; }
  function asPoint(row) { return { time: row[0], value: row[1] }; }
  function asked(url) {
    return fetch(url, { headers: { Accept: "application/json", "HX-Request": "true" } })
      .then(function (answer) { return answer.status === 200 ? answer.json() : null; }, function () { return null; });
  }
  function nothing(box) { box.querySelector("[data-message]").textContent = box.dataset.empty; }

  var single = document.getElementById("curves");
  if (single) asked(single.dataset.url).then(function (data) {
    if (!data || !data.equity.length) { nothing(single); return; }
    var chart = made(single);
    line(chart, HOLD, { lineWidth: 1, lastValueVisible: false }).setData(data.hold.map(asPoint));
    line(chart, MINE, {}).setData(data.equity.map(asPoint));
    var fall = chart.addSeries(lib.BaselineSeries, { baseValue: { type: "price", price: 0 }, lineWidth: 1, priceLineVisible: false,
      topLineColor: COLOURS[FALL], bottomLineColor: COLOURS[FALL], topFillColor1: "transparent", topFillColor2: "transparent",
      bottomFillColor1: "rgba(214,51,108,.28)", bottomFillColor2: "rgba(214,51,108,.05)",
      priceFormat: { type: "custom", minMove: 0.01, formatter: function (value) { return percent(value, 1); } } }, 1);
    fall.setData(data.drawdown.map(asPoint));
    chart.panes()[0].setStretchFactor(3);
    chart.panes()[1].setStretchFactor(1);
    chart.timeScale().fitContent();
    single.dataset.points = data.equity.length;
  });

  var several = document.getElementById("compare-curves");
  if (several) {
    var wanted = Array.from(several.querySelectorAll("[data-curve]"));
    Promise.all(wanted.map(function (item) { return asked(item.dataset.curve); })).then(function (found) {
      var known = found.filter(function (data) { return data && data.equity.length; });
      if (!known.length) { nothing(several); return; }
      var chart = made(several);
      found.forEach(function (data, index) {
        if (!data || !data.equity.length) return;
        line(chart, index, { priceFormat: { type: "custom", minMove: 0.01, formatter: function (value) { return percent(value, 2); } } })
          .setData(data.equity.map(function (row) { return { time: row[0], value: (row[1] / data.initial - 1) * 100 }; }));
      });
      chart.timeScale().fitContent();
      several.dataset.curves = known.length;
    });
  }
})();
