// A form in steps (of a bot, of a backtest), guided: one step at a time, checked by the server as it is typed. Without this it is one long form.
(function () {
  "use strict";
  var form = document.querySelector("form[data-guided]"), own = document.currentScript;
  if (!form || !window.htmx) return;
  var summary = document.getElementById("summary");
  var sections = Array.from(form.querySelectorAll("[data-step]"));
  var names = sections.map(function (section) { return section.dataset.step; });
  var back = form.querySelector("[data-step-back]"), on = form.querySelector("[data-step-on]");
  var submit = document.querySelector("#form-actions button[type=submit]");
  var isEdit = Boolean(own.dataset.bot);
  var touched = new Set(), seen = new Set(isEdit ? names : []), current = names[0];
  // The way somebody wants to go, numbered. Requests carry the number, so that no older answer bars or opens the way.
  var wanted = null, ways = 0, CARRIED = "X-Form-Way";

  function fieldsOf(name) {
    return Array.from(form.querySelectorAll("#step-" + name + " [data-field]"));
  }
  function hasErrors(name) {
    return fieldsOf(name).some(function (field) { return field.querySelector(".invalid-feedback").childElementCount > 0; });
  }
  function touchAll(name) { fieldsOf(name).forEach(function (field) { touched.add(field.dataset.field); }); }

  function show(name, focus) {
    current = name;
    seen.add(name);
    var at = names.indexOf(name), isLast = at === names.length - 1;
    sections.forEach(function (section) { section.hidden = section.dataset.step !== name; });
    back.hidden = at === 0;
    on.hidden = isLast;
    submit.classList.toggle("btn-primary", isLast);
    mark();
    if (focus) {
      document.getElementById("step-" + name + "-title").focus({ preventScroll: true });
      form.scrollIntoView({ block: "start" });
    }
  }
  function mark() {
    form.querySelectorAll("#form-steps button").forEach(function (button) {
      var name = button.dataset.toStep, isHere = name === current;
      button.classList.toggle("is-done", !isHere && seen.has(name) && !hasErrors(name));
      button.classList.toggle("has-errors", hasErrors(name));
      if (isHere) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    form.querySelectorAll("[data-field]").forEach(function (field) {
      var slot = field.querySelector(".invalid-feedback"), isWrong = slot.childElementCount > 0;
      var input = field.querySelector("input,select,textarea");
      input.classList.toggle("is-invalid", isWrong);
      if (!isWrong) { input.removeAttribute("aria-invalid"); return; }
      input.setAttribute("aria-invalid", "true");
      var described = (input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean);
      if (described.indexOf(slot.id) < 0) input.setAttribute("aria-describedby", [slot.id].concat(described).join(" "));
    });
  }
  // A step is left forward only once the server finds nothing wrong in it; backward always.
  function go(name) {
    if (names.indexOf(name) <= names.indexOf(current)) { show(name, true); return; }
    names.slice(0, names.indexOf(name)).forEach(touchAll);
    wanted = { to: name, number: String(ways += 1) };
    window.htmx.trigger(summary, "validate");
  }
  function arrive(event) {
    mark();
    if (!wanted || event.detail.requestConfig.headers[CARRIED] !== wanted.number) return;
    var target = wanted.to, until = names.indexOf(target);
    wanted = null;
    var wrong = names.slice(0, until).find(hasErrors);
    if (wrong === undefined) {
      names.slice(0, until).forEach(function (name) { seen.add(name); });
      show(target, true);
      return;
    }
    show(wrong, false);
    var input = form.querySelector("#step-" + wrong + " .is-invalid");
    if (input) input.focus();
  }

  ["focusout", "input", "change"].forEach(function (name) {
    form.addEventListener(name, function (event) {
      var field = event.target.closest("[data-field]");
      if (field) touched.add(field.dataset.field);
    });
  });
  form.addEventListener("change", function (event) {
    if (event.target.name === "strategy") {
      var query = "?strategy=" + encodeURIComponent(event.target.value) + (isEdit ? "&bot=" + own.dataset.bot : "");
      window.htmx.ajax("GET", own.dataset.parameters + query, { target: "#strategy-parameters", swap: "innerHTML" })
        .then(function () { window.htmx.trigger(summary, "validate"); });
    }
  });
  form.addEventListener("click", function (event) {
    var button = event.target.closest("[data-to-step]");
    if (button) go(button.dataset.toStep);
  });
  back.addEventListener("click", function () { go(names[names.indexOf(current) - 1]); });
  on.addEventListener("click", function () { go(names[names.indexOf(current) + 1]); });
  // Enter in a field goes on to the next step instead of making a half-filled bot.
  form.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || on.hidden || isEdit) return;
    event.preventDefault();
    go(names[names.indexOf(current) + 1]);
  });
  summary.addEventListener("htmx:configRequest", function (event) {
    if (wanted) event.detail.headers[CARRIED] = wanted.number;
    event.detail.parameters.touched = Array.from(touched).join(",");
  });
  summary.addEventListener("htmx:afterSettle", arrive);

  document.documentElement.classList.add("is-guided");
  var wrong = names.find(hasErrors);
  if (wrong) names.forEach(touchAll);
  show(wrong || names[0], false);
})();
