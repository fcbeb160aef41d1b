// Light or dark, before the first paint: the stored choice, else the system's. No flash, no server round trip.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var root = document.documentElement;
  function chosen() {
    try { return window.localStorage.getItem("theme"); } catch (error) { return null; /* storage is blocked */ }
  }
  function apply() {
    var theme = chosen() || (dark.matches ? "dark" : "light");
    root.setAttribute("data-bs-theme", theme);
    document.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
  }
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-toggle-theme]")) return;
    var next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try { window.localStorage.setItem("theme", next); } catch (error) { console.info("theme is not remembered", error.name); }
    root.setAttribute("data-bs-theme", next);
    document.dispatchEvent(new CustomEvent("themechange", { detail: next }));
  });
})();
