// A player that gets no audio says so in a sentence.
document.addEventListener("error", (event) => {
  if (!event.target.matches?.("audio[data-player]")) return;
  event.target.parentElement.querySelector("[data-player-error]").hidden = false;
}, true);
document.addEventListener("playing", (event) => {
  if (!event.target.matches?.("audio[data-player]")) return;
  event.target.parentElement.querySelector("[data-player-error]").hidden = true;
}, true);
