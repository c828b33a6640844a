// The way of a call's audio and video: a server that does not answer must not hold the call up.
(() => {
  "use strict";
  const LIMIT_MS = 3000;

  // JsSIP sends nothing before all ways are found; those found in this time do.
  window.limitIce = (session) => {
    let timer = 0;
    session.on("icecandidate", ({ ready }) => { timer = timer || setTimeout(ready, LIMIT_MS); });
  };
})();
