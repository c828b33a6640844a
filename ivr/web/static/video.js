// A video room: camera and microphone, a call to the room by JsSIP, and word to the desk that the page is still there.
(() => {
  "use strict";
  const root = document.querySelector("[data-video]");
  if (!root) return;
  const SEEN_EVERY_MS = 5000;
  const find = (name) => root.querySelector(`[data-${name}]`);
  const join = find("join"), leave = find("leave"), own = find("own"), far = find("far");
  let agent = null, key = "", timer = 0, isOver = false;

  function show(state) {
    for (const each of root.querySelectorAll("[data-state]")) each.hidden = each.dataset.state !== state;
    root.dataset.shown = state;
  }

  function end(state) {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    if (agent) { agent.terminateSessions(); setTimeout(() => agent.stop(), 500); }
    if (key) navigator.sendBeacon("/v/left", key);
    for (const track of own.srcObject ? own.srcObject.getTracks() : []) track.stop();
    own.hidden = leave.hidden = join.hidden = true;
    far.replaceChildren();
    show(state);
  }

  function add(track) {
    const element = document.createElement(track.kind === "video" ? "video" : "audio");
    element.autoplay = true;
    element.playsInline = true;
    element.muted = track.kind === "video";
    element.srcObject = new MediaStream([track]);
    // Streams of those who have left stay in the session: what shows nothing is not shown.
    if (track.kind === "video") {
      element.hidden = true;
      element.addEventListener("resize", () => { element.hidden = !element.videoWidth; });
      track.addEventListener("mute", () => { element.hidden = true; });
      track.addEventListener("unmute", () => { element.hidden = !element.videoWidth; });
    }
    track.addEventListener("ended", () => element.remove());
    far.append(element);
    element.play().catch(() => {});
  }

  function watch(connection) {
    root.connection = connection;
    connection.addEventListener("track", (event) => add(event.track));
  }

  async function seen() {
    try {
      const answer = await fetch("/v/seen", { method: "POST", body: key });
      if (answer.ok && !(await answer.json()).stay) end("over");
    } catch { /* the network may be back with the next one */ }
  }

  function call(ticket, stream) {
    key = ticket.key;
    timer = setInterval(seen, SEEN_EVERY_MS);
    agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(ticket.websocket)],
      uri: `sip:${ticket.username}@${ticket.domain}`,
      password: ticket.password,
      register: false,
      session_timers: false,
    });
    agent.on("newRTCSession", ({ session }) => {
      if (session.direction === "incoming") { session.terminate(); return; }
      limitIce(session);
      if (session.connection) watch(session.connection);
      else session.on("peerconnection", ({ peerconnection }) => watch(peerconnection));
      session.on("confirmed", () => { show("in"); leave.hidden = false; });
      session.on("ended", () => end("over"));
      session.on("failed", () => end("failed"));
    });
    agent.on("connected", () => agent.call(`sip:${ticket.number}@${ticket.domain}`, {
      mediaStream: stream,
      pcConfig: { iceServers: ticket.ice },
      rtcOfferConstraints: { offerToReceiveAudio: true, offerToReceiveVideo: true },
    }));
    agent.start();
  }

  async function start() {
    join.hidden = true;
    show("joining");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
    } catch { join.hidden = false; show("denied"); return; } // the link is not used yet
    own.srcObject = stream;
    own.hidden = false;
    try {
      const answer = await fetch(root.dataset.video, {
        method: "POST", body: new URLSearchParams({ csrf: root.dataset.csrf }),
      });
      if (!answer.ok) { end(answer.status === 410 ? "gone" : "failed"); return; }
      call(await answer.json(), stream);
    } catch { end("failed"); }
  }

  join.addEventListener("click", start);
  join.disabled = false; // before that nobody would have heard the click
  leave.addEventListener("click", () => end("over"));
  addEventListener("pagehide", () => end("over"));
})();
