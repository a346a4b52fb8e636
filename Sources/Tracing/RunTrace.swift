import Communication
import Files
import Foundation
import Platform
import RunFiles

/// Part of a run to trace, and the file of the timeline.
public struct TraceRequest: Equatable, Sendable {
  /// Path of the file.
  public var path: String
  /// Steps to trace, at least 1.
  public var steps: Int
  /// Steps of this start before them, which are slower than others.
  public var after: Int

  /// Request for a timeline at `path` of `steps` training steps that follow the first `after`.
  public init(path: String, steps: Int = 3, after: Int = 5) {
    self.path = path
    self.steps = steps
    self.after = after
  }

  /// Throws unless the file can be written, and is none of the run's. One in the run's own folder,
  /// which is made later, can be.
  package func requireWritable(besides runFolder: URL) throws {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let own = runFolder.standardizedFileURL
    if url.path == own.path { throw AtomicFileError.notAFile(path: path) }
    guard url.deletingLastPathComponent().path == own.path else {
      return try AtomicFile.requireWritable(path)
    }
    if RunFolder.isOwn(url.lastPathComponent) { throw TraceRequestError.fileOfRun(path: path) }
  }
}

/// Why a trace cannot be written where it was asked for.
package enum TraceRequestError: Error, Equatable, CustomStringConvertible {
  /// The run itself has a file of that name.
  case fileOfRun(path: String)

  /// One sentence naming the file and what to do.
  package var description: String {
    switch self {
    case .fileOfRun(let path):
      "\(path): the run writes a file of this name itself; give another name for --trace"
    }
  }
}

/// The window of a run whose steps are traced, on one rank: opens and closes it, and has rank 0
/// write the file of all ranks.
package final class RunTrace {
  /// Recorder of events; nil outside the window.
  package private(set) var recorder: TraceRecorder?
  private let request: TraceRequest
  private let log: RunLog
  private let communicator: any Communicator
  /// Steps that have begun since the start.
  private var begun = 0
  private var isOver = false

  /// A trace of the run that `log` tells of. All ranks make it, of the same request.
  package init(_ request: TraceRequest, log: RunLog, over communicator: any Communicator) {
    self.request = request
    self.log = log
    self.communicator = communicator
  }

  /// A step begins, the same on all ranks.
  package func stepBegins() throws {
    try endIfFull()
    if begun == request.after, !isOver { recorder = TraceRecorder() }
    begun += 1
  }

  /// Writes the file once the last step of the window is done. All ranks call it together.
  package func endIfFull() throws {
    if recorder != nil, begun >= request.after + request.steps { try end() }
  }

  /// Writes the file with what there is, or says why there is none. All ranks call it together.
  ///
  /// A file that can no longer be written is not worth a run: that is a warning.
  package func end() throws {
    if isOver { return }
    isOver = true
    guard let recorder else {
      log.warning(
        "no trace: this start took \(NumberText.count(begun, "step")), and --trace-after "
          + "\(request.after) leaves out as many; lower it")
      return
    }
    self.recorder = nil
    communicator.enter(.saving)
    let own = RankTrace(
      host: HostName.own, events: recorder.events, clockReadings: try readClockTogether())
    guard let all = try RootDecision(communicator).gather(own) else { return }
    do {
      let timeline = TraceTimeline(all)
      try AtomicFile.write(timeline.json, to: URL(fileURLWithPath: request.path))
      log.line(timeline.line(path: request.path))
    } catch {
      log.warning("no trace: \(error)")
    }
  }

  private func readClockTogether() throws(CommunicationError) -> [Int64] {
    var readings: [Int64] = []
    guard communicator.worldSize > 1 else { return readings }
    for _ in 0..<Self.clockRounds {
      try communicator.barrier()
      readings.append(TraceClock.now)
    }
    return readings
  }

  /// Microseconds each; odd, so that the median is one of them.
  private static let clockRounds = 31
}
