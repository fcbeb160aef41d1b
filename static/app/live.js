// One event stream per page. An event carries names of what changed; `live:<name>` on <body> makes htmx refetch.
// While the stream is away (or its heartbeat, which proves that Redis works), `live:poll` is raised every 10 s.
(function () {
  "use strict";
  var url = document.body.dataset.live;
  if (!url) return;
  var SILENCE_MS = 20000, POLL_MS = 10000;
  var source = null, heard = 0, wasAway = false;

  function raise(name) { document.body.dispatchEvent(new CustomEvent("live:" + name)); }
  function isAway() { return Date.now() - heard > SILENCE_MS; }
  function show() { document.body.classList.toggle("is-live", !isAway()); }
  function beat() {
    var before = wasAway;
    heard = Date.now();
    wasAway = false;
    show();
    if (before) raise("poll"); // what changed meanwhile was not told
  }
  function open() {
    source = new EventSource(url);
    source.addEventListener("stream-open", beat);
    source.addEventListener("heartbeat", beat);
    source.addEventListener("changed", function (event) {
      beat();
      JSON.parse(event.data).forEach(raise);
    });
    source.onerror = function () {
      wasAway = true;
      heard = 0;
      show();
      if (source && source.readyState === EventSource.CLOSED) { source = null; window.setTimeout(resume, 5000); }
    };
  }
  function resume() { if (!source && !document.hidden) open(); }
  function rest() {
    if (source) source.close();
    source = null;
    heard = 0;
    wasAway = true;
  }
  // A browser allows six connections to a host: hidden tabs give theirs back.
  document.addEventListener("visibilitychange", function () { if (document.hidden) rest(); else resume(); });
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", resume);
  window.setInterval(function () {
    show();
    if (!document.hidden && isAway()) { wasAway = true; raise("poll"); }
  }, POLL_MS);
  resume();
})();
