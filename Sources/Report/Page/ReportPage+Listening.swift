import Charts
import Foundation
import Platform

extension ReportPage {
  /// The section with spectrograms and audio players.
  var listening: [Markup] {
    if content.examples.isEmpty { return [] }
    let range = Int(SpectrogramPicture.range)
    return [
      """
      <p>The first \(NumberText.setting(content.clipSeconds)) seconds at most. Colours go from \
      dark, \(range) dB below the loudest point of the utterance's recordings, to light yellow, \
      and mean the same in all pictures of an utterance.</p>
      """
    ] + content.examples.map(example)
  }

  private func example(_ example: ListeningExample) -> Markup {
    var facts = [example.reason]
    if let speaker = example.facts.speaker { facts.append("speaker \(speaker)") }
    if let decibels = example.facts.decibels {
      facts.append(String(format: "signal-to-noise ratio %.1f dB", decibels))
    }
    facts.append(String(format: "%.1f s", example.seconds))
    // One row if there is room, else two rows of about equal length.
    let count = example.clips.count
    let columns = count <= 4 ? count : (count + 1) / 2
    let clips = example.clips.map { clip($0, of: example) }
    return """
      <article class="example"><h3>\(example.utterance)</h3>
      <p class="note">\(facts.joined(separator: " · "))</p>
      <div class="clips" style="--columns:\(columns)">\(clips.joined())</div></article>
      """
  }

  private func clip(_ clip: ListeningExample.Clip, of example: ListeningExample) -> Markup {
    let scale = ChartScale([0, clip.seconds], tickCount: 6, isTight: true)
    // The right end of the axis shows the unit.
    let seconds = scale.ticks.filter { scale.place($0.value) < 0.91 }.map { tick -> Markup in
      "<span style=\"left:\(at: 100 * scale.place(tick.value))%\">\(tick.label)</span>"
    }
    let hertz = [0, 2, 4, 6, 8].map { kilohertz -> Markup in
      "<span style=\"bottom:\(at: Double(kilohertz) * 12.5)%\">\(kilohertz)</span>"
    }
    let key = clip.style.map { PageParts.key($0) } ?? .empty
    let score = clip.pesq.map { String(format: "PESQ %.2f", $0) } ?? ""
    let what = "\(example.utterance), \(clip.name)"
    let length = String(format: "%.1f", clip.seconds)
    return """
      <figure class="clip"><figcaption>\(key) \(clip.name) <span class="score">\(score)</span>\
      </figcaption>
      <div class="spectrogram"><div class="hertz" aria-hidden="true">\(hertz.joined(by: ""))</div>\
      <img alt="Spectrogram of \(what): 0 to \(length) s, 0 to 8 kHz" \
      src="data:image/png;base64,\(Data(clip.picture).base64EncodedString())">\
      <div class="unit" aria-hidden="true">kHz</div>\
      <div class="seconds" aria-hidden="true">\(seconds.joined(by: ""))</div></div>
      <audio controls preload="metadata" aria-label="\(what)" data-seconds="\(length)" \
      src="data:audio/flac;base64,\(Data(clip.audio).base64EncodedString())"></audio></figure>
      """
  }
}
