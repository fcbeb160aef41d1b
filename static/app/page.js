// Small manners of every page: toasts, questions before what cannot be undone, one submit per press.
(function () {
  "use strict";
  var tray = document.getElementById("toasts");

  function toast(item) {
    var template = document.getElementById("toast-template");
    var node = template.content.firstElementChild.cloneNode(true);
    node.classList.add("toast-" + (item.level || "info"));
    node.querySelector("[data-text]").textContent = item.text;
    node.querySelector("[data-close]").addEventListener("click", function () { node.remove(); });
    tray.appendChild(node);
    window.setTimeout(function () { node.remove(); }, item.level === "error" ? 15000 : 6000);
  }

  document.body.addEventListener("toasts", function (event) { event.detail.value.forEach(toast); });
  document.querySelectorAll("[data-first-toast]").forEach(function (item) {
    toast({ level: item.dataset.firstToast, text: item.textContent.trim() });
    item.remove();
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var question = form.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      window.setTimeout(function () {
        form.querySelectorAll("button[type=submit]").forEach(function (button) { button.disabled = true; });
      }, 0);
    }
  }, true);
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form button[type=submit]").forEach(function (button) { button.disabled = false; });
  });

  document.body.addEventListener("htmx:sendError", function (event) {
    if (event.detail.requestConfig.verb !== "get") toast({ level: "error", text: tray.dataset.unreachable });
  });
  document.body.addEventListener("htmx:responseError", function (event) {
    if (event.detail.requestConfig.verb !== "get") toast({ level: "error", text: tray.dataset.refused });
  });
  document.addEventListener("click", function (event) {
    var row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a,button,form,input,label")) window.location.href = row.dataset.href;
  });
})();
