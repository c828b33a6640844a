// The telephone of an agent: registers by JsSIP, rings, and shows what can be done at each moment. One call at a time.
(() => {
  "use strict";
  const root = document.querySelector("[data-phone]");
  if (!root) return;
  const AGAIN_MS = 10000, RING_EVERY_MS = 4000, RING_S = 1, RING_HZ = 425, ACCOUNT_MS = 2000, NAME_LIMIT = 80;
  const KEPT = "phone"; // in the tab: switched on again when the page is loaded anew
  const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
  const SHOWN = { // the buttons of each state
    off: ["on"], connecting: ["off"], ready: ["off"], ringing: ["answer", "decline"], answering: ["end"],
    talking: ["mute", "hold", "end"], held: ["hold", "end"], transferring: ["end"],
  };
  const find = (selector) => root.querySelector(selector);
  const button = (name) => find(`[data-do="${name}"]`);
  const far = find("[data-far]"), keypad = find("[data-keypad]"), transfer = find("[data-transfer]");
  let agent = null, session = null, account = null, sound = null, ringing = 0, again = 0;

  function show(state) {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    root.dataset.shown = state;
    for (const each of root.querySelectorAll("[data-state]")) each.hidden = each.dataset.state !== state;
    for (const each of root.querySelectorAll("[data-do]")) each.hidden = !SHOWN[state].includes(each.dataset.do);
    keypad.hidden = transfer.hidden = state !== "talking";
    if (focused && !focused.checkVisibility()) button(SHOWN[state][0]).focus(); // the keyboard stays in the telephone
  }

  function problem(name) {
    for (const each of root.querySelectorAll("[data-problem]")) each.hidden = each.dataset.problem !== name;
  }

  function press(name, isPressed) { button(name).setAttribute("aria-pressed", String(isPressed)); }

  // --- the line ---

  async function fetched(limit) {
    const answer = await fetch(root.dataset.phone, {
      method: "POST", body: new URLSearchParams({ csrf: root.dataset.csrf }), redirect: "error", signal: limit,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  async function switchOn() {
    problem("");
    show("connecting");
    sound = sound || new AudioContext();
    sound.resume();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of stream.getTracks()) track.stop(); // asked now, so that nothing is asked while it rings
    } catch { problem("microphone"); show("off"); return; }
    try { account = await fetched(); } catch { problem("account"); show("off"); return; }
    sessionStorage.setItem(KEPT, "on");
    register();
  }

  function register() {
    agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(account.websocket)],
      uri: `sip:${account.username}@${account.domain}`,
      password: account.password,
      register_expires: 120,
      session_timers: false,
    });
    agent.on("registered", () => { problem(""); if (!session) show("ready"); });
    agent.on("disconnected", () => { if (agent && !session) show("connecting"); });
    agent.on("registrationFailed", () => {
      if (!agent) return;
      problem("account");
      if (!session) show("connecting");
      clearTimeout(again);
      again = setTimeout(() => agent && agent.isConnected() && agent.register(), AGAIN_MS);
    });
    agent.on("newRTCSession", (event) => offered(event.session));
    agent.start();
  }

  function switchOff() {
    sessionStorage.removeItem(KEPT);
    clearTimeout(again);
    const stopped = agent;
    agent = null;
    if (stopped) stopped.stop();
    show("off");
  }

  // --- a call ---

  function offered(call) {
    if (call.direction !== "incoming") return;
    if (session) { call.terminate({ status_code: 486 }); return; }
    session = call;
    limitIce(call);
    const { display_name: name, uri } = call.remote_identity;
    const said = [name, uri.user].filter((each, at, all) => each && all.indexOf(each) === at);
    find("[data-peer]").textContent = said.join(" · ").replace(UNSEEN, "").slice(0, NAME_LIMIT);
    call.on("peerconnection", ({ peerconnection }) => hear(peerconnection));
    call.on("confirmed", () => { if (session === call) show("talking"); });
    call.on("ended", () => over(call));
    call.on("failed", () => over(call));
    call.on("getusermediafailed", () => problem("microphone"));
    problem("");
    show("ringing");
    ring();
    ringing = setInterval(ring, RING_EVERY_MS);
  }

  function hear(connection) {
    root.connection = connection;
    connection.addEventListener("track", ({ track }) => {
      if (track.kind !== "audio") return;
      far.srcObject = new MediaStream([track]);
      far.play().catch(() => {});
    });
  }

  function ring() {
    if (sound.state !== "running") { sound.resume(); return; }
    const tone = sound.createOscillator(), volume = sound.createGain(), now = sound.currentTime;
    tone.frequency.value = RING_HZ;
    volume.gain.setValueAtTime(0, now);
    volume.gain.linearRampToValueAtTime(0.3, now + 0.02);
    volume.gain.setValueAtTime(0.3, now + RING_S - 0.02);
    volume.gain.linearRampToValueAtTime(0, now + RING_S);
    tone.connect(volume).connect(sound.destination);
    tone.start(now);
    tone.stop(now + RING_S);
    root.dataset.rings = String(Number(root.dataset.rings || 0) + 1);
  }

  function quiet() { clearInterval(ringing); }

  function over(call) {
    if (session !== call) return;
    quiet();
    session = null;
    far.srcObject = null;
    find("[data-peer]").textContent = "";
    press("mute", false);
    press("hold", false);
    transfer.reset();
    show(agent && agent.isRegistered() ? "ready" : agent ? "connecting" : "off");
  }

  async function answer() {
    const call = session;
    quiet();
    show("answering");
    const iceServers = await ways();
    if (session === call) call.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers } });
  }

  async function ways() { // a login at a TURN server ends sooner than the day of a telephone that is switched on
    try {
      if (account.ice.some((each) => each.credential)) account = await fetched(AbortSignal.timeout(ACCOUNT_MS));
    } catch { /* the one from before may still hold */ }
    return account.ice;
  }

  function end() { if (session) session.terminate(); }

  function decline() { if (session) session.terminate({ status_code: 486 }); } // busy here: others may still take it

  function mute() {
    const isMuted = session.isMuted().audio;
    if (isMuted) session.unmute({ audio: true }); else session.mute({ audio: true });
    press("mute", !isMuted);
  }

  function hold() {
    const call = session, isHeld = call.isOnHold().local;
    const done = () => {
      if (session !== call) return;
      press("hold", !isHeld);
      show(isHeld ? "talking" : "held");
    };
    const asked = isHeld ? call.unhold({}, done) : call.hold({}, done);
    if (!asked) problem("refused"); // another change of the call is under way
  }

  // In the audio (RFC 4733) where the other side takes that, as every PBX passes it on; else by INFO.
  function key(digit) {
    if (!session || root.dataset.shown !== "talking") return;
    const isInAudio = root.connection.getSenders().some(({ dtmf }) => dtmf && dtmf.canInsertDTMF);
    session.sendDTMF(digit, isInAudio ? { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 } : {});
  }

  function send(target) {
    const call = session;
    const back = () => { if (session === call) { problem("transfer"); show("talking"); } };
    problem("");
    show("transferring");
    const asked = call.refer(`sip:${target.replaceAll("#", "%23")}@${account.domain}`, {
      eventHandlers: { requestFailed: back, failed: back, accepted: () => { if (session === call) call.terminate(); } },
    });
    if (!asked) back();
  }

  // --- hands ---

  const ACTS = { on: switchOn, off: switchOff, answer, decline, mute, hold, end };
  root.addEventListener("click", ({ target }) => {
    const pressed = target.closest("button");
    if (!pressed) return;
    if (pressed.dataset.do) { problem(""); ACTS[pressed.dataset.do](); }
    if (pressed.dataset.key) key(pressed.dataset.key);
  });
  keypad.addEventListener("keydown", (event) => {
    if (!/^[0-9*#]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    key(event.key);
  });
  transfer.addEventListener("submit", (event) => {
    event.preventDefault();
    send(transfer.elements.to.value.trim());
  });
  addEventListener("keydown", (event) => {
    const chosen = { F8: ["answer"], F9: ["decline", "end"] }[event.key];
    const shown = chosen && chosen.map(button).find((each) => !each.hidden);
    if (!shown) return;
    event.preventDefault();
    shown.click();
  });

  document.addEventListener("click", ({ target }) => { // buttons of the call's context, such as "go on by video"
    const pressed = target.closest("[data-sends-key]");
    if (pressed) key(pressed.dataset.sendsKey);
  });

  // --- the page around it ---

  // A form that loads the page anew would end the call: during one it is sent beside, and the figures follow by themselves.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!session || event.defaultPrevented || !new URL(form.action).pathname.startsWith("/agent")) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answered = await fetch(form.action, { method: "POST", body: fields });
      const isTaken = answered.ok && new URL(answered.url).pathname !== "/login"; // where the session is over
      problem(isTaken ? "" : "refused");
    } catch { problem("refused"); }
  });
  addEventListener("beforeunload", (event) => { if (session) event.preventDefault(); });
  addEventListener("pagehide", () => { if (agent) { agent.terminateSessions(); agent.stop(); } });
  button("on").disabled = false; // before that nobody would have heard the click
  if (sessionStorage.getItem(KEPT)) switchOn();
})();
