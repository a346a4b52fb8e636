import Charts
import Foundation
import Platform

/// A report as a single HTML file that needs no server, no network and no other file.
package struct ReportPage {
  package let content: ReportContent
  /// Date of the report.
  package let date: Date

  /// Page of `content`, dated `date`.
  package init(content: ReportContent, date: Date) {
    self.content = content
    self.date = date
  }

  private var runs: [ReportRun] { content.runs }

  private struct Section {
    let anchor: String
    let heading: String
    let content: [Markup]
  }

  /// The text of the HTML file.
  package var html: String {
    let sections = [
      Section(anchor: "comparison", heading: "Comparison", content: comparison),
      Section(anchor: "test", heading: "Test set", content: testScores),
      Section(anchor: "curves", heading: "Curves", content: curves),
      Section(anchor: "discriminator", heading: "Discriminator", content: discriminator),
      Section(anchor: "utterances", heading: "Utterance by utterance", content: utterances),
      Section(anchor: "listen", heading: "Listen", content: listening),
      Section(anchor: "time", heading: "Time", content: time),
      Section(anchor: "scaling", heading: "Scaling", content: scaling),
      Section(anchor: "events", heading: "What happened", content: events),
      Section(anchor: "configuration", heading: "Configuration", content: configuration),
    ].filter { !$0.content.isEmpty }
    let links = sections.map { section -> Markup in
      "<li><a href=\"#\(section.anchor)\">\(section.heading)</a></li>"
    }
    let bodies = sections.map { PageParts.section($0.anchor, $0.heading, $0.content) }
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(ReportStyle.policy)">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="\(Program.nameAndVersion)">
      <title>\(content.title)</title>
      <link rel="icon" href="data:,">
      <style>\(ReportStyle.sheet)</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the content</a>
      <header>
      <h1>\(content.title)</h1>
      \(introduction.joined())
      </header>
      <nav aria-label="Contents"><ul>\(links.joined(by: ""))</ul></nav>
      <main id="main">
      \(bodies.joined())
      </main>
      <footer><p>Made by \(Program.nameAndVersion). All numbers are those of the run folders; \
      scores are of whole utterances.</p></footer>
      <script>\(ReportStyle.script)</script>
      </body>
      </html>

      """
    return page.text
  }

  /// The introduction: date, corpus, comparability of the figures, and missing parts of the page.
  private var introduction: [Markup] {
    let day = date.formatted(.iso8601.year().month().day().dateSeparator(.dash))
    let clock = date.formatted(.iso8601.time(includingFractionalSeconds: false))
    let corpora = Set(runs.compactMap(\.timeline.lastStart?.data)).sorted()
    var facts: [Markup] = ["<span>Made \("\(day) \(clock.prefix(5)) UTC")</span>"]
    facts.append("<span>\(NumberText.count(runs.count, "run"))</span>")
    if !corpora.isEmpty {
      facts.append("<span>Corpus <code>\(corpora.joined(separator: ", "))</code></span>")
    }
    let unfinished = runs.filter { !$0.hasScores }.map { $0.summary.path }
    var parts: [Markup] = [
      "<p class=\"facts\">\(facts.joined(by: " "))</p>",
      "<p class=\"\(isComparable ? "verdict" : "verdict caution")\">\(honestLine)</p>",
    ]
    if let lead { parts.insert("<p>\(lead)</p>", at: 1) }
    if hasSeveralValidations {
      parts.append(
        """
        <p class="verdict caution">The runs were not validated on the same utterances (their noisy \
        rows differ): their scores do not compare with each other.</p>
        """)
    }
    if !unfinished.isEmpty {
      parts.append(
        "<p class=\"missing\">No epoch finished yet: \(unfinished.joined(separator: ", ")).</p>")
    }
    for problem in content.problems {
      parts.append("<p class=\"missing\"><strong>Note:</strong> \(problem)</p>")
    }
    return parts
  }

  private var isComparable: Bool {
    content.runs.filter(\.hasScores).allSatisfy(\.summary.isComparable)
  }

  /// The run with the best score, in a sentence.
  private var lead: Markup? {
    let scored = runs.filter { $0.best?.pesq != nil }
    guard
      let run = scored.max(by: { ($0.best?.pesq ?? 0) < ($1.best?.pesq ?? 0) }),
      let best = run.best, let pesq = best.pesq
    else { return nil }
    let noisy = best.noisyPESQ.map { String(format: ", %.4f before (%+.2f)", $0, pesq - $0) }
    let score = String(format: "%.4f", pesq)
    return """
      Best of \(NumberText.count(scored.count, "run")): <strong>\(run.name)</strong> with a \
      validation PESQ of <strong>\(score)</strong> after epoch \(best.epoch)\(noisy ?? "").
      """
  }

  private var hasSeveralValidations: Bool {
    let noisy = content.runs.compactMap(\.best?.noisyPESQ)
    return (noisy.max() ?? 0) - (noisy.min() ?? 0) > 1e-6
  }

  private var honestLine: Markup {
    if isComparable {
      return """
        <strong>These figures are of VoiceBank-DEMAND.</strong> Validation scores are of held-out \
        training speakers; published figures are of the test set, so compare those with the test \
        scores. The published rows of the ablation plan were measured on 2 s crops; their authors \
        take differences below 0.03 for noise.
        """
    }
    return """
      <strong>Figures on this corpus compare with each other, not with published ones.</strong> It \
      is not VoiceBank-DEMAND; the published rows are in the table for orientation only.
      """
  }
}
