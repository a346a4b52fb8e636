// Of several players one plays at a time.
addEventListener('play', event => {
  for (const audio of document.querySelectorAll('audio'))
    if (audio !== event.target) audio.pause()
}, true)
