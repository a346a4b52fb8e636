import Audio
import Corpora
import Files
import Foundation
import Platform

/// Why files cannot be enhanced as asked.
enum EnhancementJobsError: Error, Equatable, CustomStringConvertible {
  /// There is no such file or folder.
  case missing(path: String)
  /// The folder holds no audio.
  case noAudio(folder: String)
  /// Inputs that cannot be used, all of them.
  case unusable([BadFile])
  /// The output would replace the input.
  case overwritesInput(path: String)
  /// A folder of files needs a folder to go to.
  case outputIsFile(path: String)
  /// The folder cannot be made.
  case cannotCreate(folder: String, reason: String)
  /// FLAC holds integers only.
  case noFloat(path: String)

  /// One sentence with the file, the fault and the remedy.
  var description: String {
    switch self {
    case .missing(let path): "\(path): no such file or folder"
    case .noAudio(let folder): "\(folder) holds no .wav or .flac file, nor does a folder in it"
    case .unusable(let files):
      files.count == 1
        ? "nothing was enhanced: \(files[0])"
        : "nothing was enhanced, since \(files.count) of the inputs cannot be used:\n"
          + ItemList.lines(files.map(\.description))
    case .overwritesInput(let path): "\(path) would be overwritten; choose another output"
    case .outputIsFile(let path): "\(path) is a file, but a folder of recordings needs a folder"
    case .cannotCreate(let folder, let reason): "\(folder): cannot be made: \(reason)"
    case .noFloat(let path):
      "\(path): FLAC holds no float samples; use .wav, or --format pcm16"
    }
  }
}

/// Which files `enhance` reads and writes, found and inspected before anything is computed.
package struct EnhancementJobs: Equatable, Codable {
  /// One recording.
  package struct Item: Equatable, Codable {
    package let input: String
    package let output: String
    package let sampleCount: Int
  }

  package let items: [Item]
  /// Number of recordings that are there already, and so left out of `items`.
  package let doneCount: Int

  /// File to file, file into folder, or the audio files of a folder and of those in it to the same
  /// names in another, which is made if need be. Inputs have to be at `sampleRate`, in hertz. With
  /// `isResumed` outputs that are there, with as many samples as their inputs, are left alone.
  package init(
    input: String, output: String, format: OutputFormat, sampleRate: Int, isResumed: Bool = false
  ) throws {
    guard let inputKind = PathKind(input) else {
      throw EnhancementJobsError.missing(path: input)
    }
    let pairs: [(input: String, output: String)]
    switch (inputKind, PathKind(output)) {
    case (.file, .folder), (.other, .folder):
      pairs = [(input, Self.path(output, PathText.name(input)))]
    case (.file, _), (.other, _): pairs = [(input, output)]
    case (.folder, .file), (.folder, .other): throw EnhancementJobsError.outputIsFile(path: output)
    case (.folder, _):
      let folder = try AudioFolder(input, omitting: output)
      if !folder.unusable.isEmpty { throw EnhancementJobsError.unusable(folder.unusable) }
      if folder.isEmpty { throw EnhancementJobsError.noAudio(folder: input) }
      let paths = Array(folder.paths.values) + folder.duplicates.map(\.path)
      pairs = paths.sorted().map { ($0, Self.path(output, folder.relative($0))) }
    }
    for pair in pairs {
      if format == .float && pair.output.lowercased().hasSuffix(".flac") {
        throw EnhancementJobsError.noFloat(path: pair.output)
      }
    }
    // An output may be the recording of another pair, by a link in the output folder.
    let inputs = Dictionary(
      pairs.compactMap { pair in Self.identity(pair.input).map { ($0, pair.input) } }
    ) { first, _ in first }
    for pair in pairs {
      if let input = Self.identity(pair.output).flatMap({ inputs[$0] }) {
        throw EnhancementJobsError.overwritesInput(path: input)
      }
    }
    let all = try Self.inspect(pairs, sampleRate: sampleRate)
    items = isResumed ? all.filter { !Self.isDone($0, sampleRate: sampleRate) } : all
    doneCount = all.count - items.count
    if inputKind == .folder {
      // Not a set: names with the same letters in other bytes are equal as texts.
      var last: [UInt8] = []
      for folder in [output] + pairs.map({ PathText.folder($0.output) }) {
        let bytes = Array(folder.utf8)
        if bytes != last { try Self.make(folder: folder) }
        last = bytes
      }
    }
  }

  private static func path(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  /// The device and number of the file at `path`, after links; nil if there is none.
  private static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }

  /// Whether the output is there. It has its name only when it is complete; another length is that
  /// of another input.
  private static func isDone(_ item: Item, sampleRate: Int) -> Bool {
    let found = try? WaveFile.inspect(path: item.output, sampleRate: sampleRate)
    return found?.sampleCount == item.sampleCount
  }

  private static func inspect(
    _ pairs: [(input: String, output: String)], sampleRate: Int
  ) throws(EnhancementJobsError) -> [Item] {
    var items: [Item] = []
    var bad: [BadFile] = []
    for (input, output) in pairs {
      do throws(WaveFileError) {
        let info = try WaveFile.inspect(path: input, sampleRate: sampleRate)
        items.append(Item(input: input, output: output, sampleCount: info.sampleCount))
      } catch {
        bad.append(BadFile(path: input, reason: error.reason))
      }
    }
    if !bad.isEmpty { throw .unusable(bad) }
    return items
  }

  private static func make(folder: String) throws(EnhancementJobsError) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotCreate(folder: folder, reason: ErrorText.reason(error))
    }
  }
}
