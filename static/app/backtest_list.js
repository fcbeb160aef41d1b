// The list of backtests refreshes itself: what was ticked for comparing stays ticked, and no more than can be shown.
(function () {
  "use strict";
  var form = document.getElementById("compare");
  if (!form) return;
  var ticked = new Set(), most = Number(form.dataset.most);

  function boxes() { return Array.from(document.querySelectorAll("input[form=compare]")); }
  function show() {
    boxes().forEach(function (box) {
      box.checked = ticked.has(box.value);
      box.disabled = !box.checked && ticked.size >= most;
    });
    var button = document.querySelector("button[form=compare]");
    if (button) button.disabled = ticked.size < 2;
  }
  document.addEventListener("change", function (event) {
    if (!event.target.matches("input[form=compare]")) return;
    if (event.target.checked) ticked.add(event.target.value); else ticked.delete(event.target.value);
    show();
  });
  document.body.addEventListener("htmx:afterSettle", show);
  window.addEventListener("pageshow", show);
  show();
})();
