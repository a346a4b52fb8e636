import Files
import Foundation
import Platform

/// Log of a run by rank 0, for people, files and greps. Other ranks are silent.
///
/// - Lines go to stdout, each in one write. Exactly one line per epoch holds the words `Epoch` and
///   `PESQ`; in all others they appear in lower case, so that a plain `grep` reads the scores.
/// - On a terminal a progress bar redraws itself in place, on stderr. Elsewhere a plain progress
///   line appears at most every `progressInterval` seconds. Under mpirun stdout pretends to be a
///   terminal while mpirun's own output may go to a file; so there mpirun's stdout decides.
/// - Events go to `metrics.jsonl` in the run's folder, and to further sinks.
public final class RunLog {
  private let output: FileDescriptorOutput
  private let terminal: FileDescriptorOutput?
  private let writesProgressLines: Bool
  private let isActive: Bool
  private let sinks: [any EventSink]
  private let progressInterval: Double
  private let now: () -> Double
  private var progressBar: ProgressBar?
  private var isBarVisible = false
  private var lastDraw = -Double.infinity
  private var lastProgress = 0.0
  private var hasWarnedAboutEvents = false
  /// Lines that could not be written, and the system's error number for the first of them.
  private var lostLineCount = 0
  private var firstFailure: Int32 = 0
  private let standardError: FileDescriptorOutput

  /// Seconds between two redraws of the bar, at least.
  private static let redrawInterval = 0.1

  /// The log of the rank `rank`, with `metrics.jsonl` in `runFolder` if there is one.
  ///
  /// `now`: seconds of a clock that only moves forwards. Throws if the metrics file cannot be
  /// opened.
  public convenience init(
    rank: Int, runFolder: URL? = nil, progressInterval: Double = 30,
    standardOutput: Int32 = STDOUT_FILENO, standardError: Int32 = STDERR_FILENO,
    isDumbTerminal: Bool = ProcessInfo.processInfo.environment["TERM"] == "dumb",
    launcherWritesToTerminal: Bool = LauncherOutput.isTerminal,
    now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) throws(AtomicFileError) {
    let metrics: MetricsFile? =
      if let runFolder, rank == 0 {
        try MetricsFile(url: RunFolder(runFolder.path(percentEncoded: false)).metrics)
      } else {
        nil
      }
    self.init(
      rank: rank, sinks: metrics.map { [$0] } ?? [], progressInterval: progressInterval,
      standardOutput: standardOutput, standardError: standardError,
      isDumbTerminal: isDumbTerminal, launcherWritesToTerminal: launcherWritesToTerminal, now: now)
  }

  /// The log of the rank `rank`, with its events in `sinks`.
  package init(
    rank: Int, sinks: [any EventSink], progressInterval: Double = 30,
    standardOutput: Int32 = STDOUT_FILENO, standardError: Int32 = STDERR_FILENO,
    isDumbTerminal: Bool = ProcessInfo.processInfo.environment["TERM"] == "dumb",
    launcherWritesToTerminal: Bool = LauncherOutput.isTerminal,
    now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) {
    isActive = rank == 0
    self.progressInterval = progressInterval
    self.now = now
    output = FileDescriptorOutput(standardOutput)
    let errors = FileDescriptorOutput(standardError)
    self.standardError = errors
    if isDumbTerminal {
      terminal = nil
    } else if errors.isTerminal {
      terminal = errors
    } else {
      // mpirun passes lines and bar on in order if both take the same way.
      terminal = output.isTerminal && launcherWritesToTerminal ? output : nil
    }
    writesProgressLines = !(terminal != nil && output.isTerminal)
    self.sinks = sinks
  }

  /// Writes `text`, one log line per line of it.
  public func line(_ text: String) {
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      write(LogWords.safe(String(line)))
    }
  }

  /// Writes `text` marked as a warning.
  public func warning(_ text: String) { line("warning: \(text)") }

  /// Adds `event` to all sinks. An epoch has a line of the log, too.
  ///
  /// A failure to write is logged once and does not end the run.
  package func append(_ event: RunEvent) {
    if case .epoch(let epoch) = event { write(epoch.report.logLine) }
    let date = Date()
    for sink in sinks {
      do {
        try sink.append(event, date: date)
      } catch {
        if !hasWarnedAboutEvents { warning("\(error) (further events may be missing too)") }
        hasWarnedAboutEvents = true
      }
    }
  }

  /// Starts showing the progress of work of `total` steps, `completed` of which are done already.
  ///
  /// `unit` stands behind the numbers where they count something else than steps.
  public func beginProgress(
    _ label: String, total: Int, unit: String = "", completed: Int = 0
  ) {
    guard isActive else { return }
    eraseBar()
    lastProgress = now()
    progressBar = ProgressBar(
      label: LogWords.safe(label), total: total, unit: unit, completed: completed, now: lastProgress
    )
  }

  /// Shows that `completed` steps are done; cheap enough to call after each.
  ///
  /// `audioSeconds`: audio processed by all ranks since `beginProgress`.
  public func progress(completed: Int, loss: Double? = nil, audioSeconds: Double = 0) {
    guard isActive, progressBar != nil else { return }
    progressBar?.update(completed: completed, loss: loss, audioSeconds: audioSeconds)
    let time = now()
    if terminal != nil && (time - lastDraw >= Self.redrawInterval || !isBarVisible) { drawBar() }
    if writesProgressLines && time - lastProgress >= progressInterval, let progressBar {
      lastProgress = time
      write(progressBar.text(now: time))
    }
  }

  /// Takes the progress bar away.
  public func endProgress() {
    eraseBar()
    progressBar = nil
  }

  /// Says on stderr, once, if lines could not be written: a run of days does not end because the
  /// disk of its log is full, or because nobody reads its output any more.
  public func reportLostLines() {
    guard lostLineCount > 0 else { return }
    let lines = NumberText.count(lostLineCount, "line")
    let verb = NumberText.agree(lostLineCount, "is", "are")
    standardError.write(
      "disttrain: warning: stdout could not be written: "
        + "\(String(cString: strerror(firstFailure))); \(lines) of the log \(verb) missing; the "
        + "files of the run have all of it\n")
    lostLineCount = 0
  }

  private func write(_ line: String) {
    guard isActive else { return }
    let wasVisible = isBarVisible
    eraseBar()
    if let code = output.write(line + "\n") {
      if lostLineCount == 0 { firstFailure = code }
      lostLineCount += 1
    }
    if wasVisible { drawBar() }
  }

  private func drawBar() {
    guard let terminal, let progressBar else { return }
    lastDraw = now()
    let text = progressBar.bar(now: lastDraw, columns: terminal.columns ?? 80)
    terminal.write("\r\(text)\u{1b}[K")
    isBarVisible = true
  }

  private func eraseBar() {
    guard isBarVisible else { return }
    terminal?.write("\r\u{1b}[K")
    isBarVisible = false
  }
}
