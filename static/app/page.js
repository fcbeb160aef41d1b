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
    var dialog = form.dataset.dialog && document.getElementById(form.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      event.stopImmediatePropagation();
      dialog.showModal();
      return;
    }
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
  // A refresh that brings nothing new leaves what is there: no focus and no place in a list is lost to it.
  function plain(node) { return node.outerHTML.replace(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1"); }
  document.body.addEventListener("htmx:oobBeforeSwap", function (event) {
    var next = event.detail.fragment.firstElementChild;
    if (next && plain(event.detail.target) === plain(next)) event.detail.shouldSwap = false;
  });
  // Nor does it take away what is being pressed: it waits until the button is let go.
  var isPressed = false, isMissed = false;
  function letGo() {
    window.setTimeout(function () {
      isPressed = false;
      if (isMissed) document.body.dispatchEvent(new CustomEvent("live:poll"));
      isMissed = false;
    }, 60);
  }
  document.addEventListener("pointerdown", function () { isPressed = true; }, true);
  document.addEventListener("pointerup", letGo, true);
  document.addEventListener("pointercancel", letGo, true);
  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var cause = event.detail.requestConfig.triggeringEvent;
    if (!isPressed || !cause || cause.type.indexOf("live:") !== 0) return;
    event.detail.shouldSwap = false;
    isMissed = true;
  });

  // A dialog is filled by htmx and then opened; what it asked for done (204), it closes. Escape closes it by itself.
  document.body.addEventListener("htmx:afterSwap", function (event) {
    var dialog = event.detail.target.id === "dialog-body" && event.detail.target.closest("dialog");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    var main = dialog.querySelector("[data-main]:not(:disabled)");
    if (main) main.focus();
  });
  document.body.addEventListener("htmx:afterRequest", function (event) {
    var dialog = event.detail.elt.closest("dialog");
    if (dialog && event.detail.xhr.status === 204) dialog.close();
  });
  document.addEventListener("click", function (event) {
    var dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close-dialog]"))) dialog.close();
  });
  document.addEventListener("click", function (event) {
    var row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a,button,form,input,label")) window.location.href = row.dataset.href;
  });
})();
