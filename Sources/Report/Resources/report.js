// Stops the other players when one starts: a listener compares one sound at a time.
addEventListener('play', event => {
  for (const audio of document.querySelectorAll('audio'))
    if (audio !== event.target) audio.pause()
}, true)
