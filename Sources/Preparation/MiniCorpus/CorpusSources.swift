import Audio
import Foundation
import Platform

/// Reads recordings from unpacked packages as mono samples at 16 kHz.
struct CorpusSources: Sendable {
  static let sampleRate = Utterances.sampleRate
  /// Corner of the high-pass that removes the rumble of cheap microphones, in hertz; otherwise
  /// rumble would count as clean speech.
  static let rumbleHertz = 60.0
  static let extensions: Set<String> = ["g722", "ogg", "opus", "wav", "flac"]

  /// Path of a folder with one folder for each package, which has the package's name.
  let unpacked: String
  private let decoder: G722Decoder
  private let resampler: Resampler

  /// Loads the decoders.
  ///
  /// - Throws: `DynamicLibraryError.missing` if a library is not installed.
  init(unpacked: String) throws(DynamicLibraryError) {
    self.unpacked = unpacked
    decoder = try G722Decoder()
    // The filter is part of the corpus's version: another filter would give another corpus.
    resampler = try Resampler(.low)
  }

  /// All samples of a recording at 16 kHz, averaged over the channels; empty for an empty file.
  func recording(_ path: String) throws -> [Float] {
    if path.hasSuffix(".g722") {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw WaveFileError.missing(path: path)
      }
      return try decoder.samples(of: [UInt8](data), path: path)
    }
    do {
      let waveform = try WaveFile.readMixedDown(path: path)
      return try resampler.resample(waveform, to: Self.sampleRate, path: path)
    } catch WaveFileError.empty {
      return []
    }
  }

  /// All samples of the recording `path` of `package`.
  func recording(package: String, path: String) throws -> [Float] {
    let full = "\(unpacked)/\(package)/\(path)"
    guard FileManager.default.fileExists(atPath: full) else {
      throw MiniCorpusError.missingSource(package: package, path: path)
    }
    return try recording(full)
  }

  /// The samples of a spoken prompt without rumble; empty if it is longer than the longest
  /// utterance.
  func prompt(_ path: String) throws -> [Float] {
    let samples = try recording(path)
    if samples.count > Utterances.longest { return [] }
    return highPassed(samples, cutoffHertz: Self.rumbleHertz, sampleRate: Self.sampleRate)
  }

  /// Paths of the prompts of a voice, sorted.
  func promptPaths(of voice: Catalogue.Voice, full: Bool) throws -> [String] {
    try voice.sources.filter { full || !$0.onlyFull }.flatMap { source in
      let root = "\(unpacked)/\(source.package)/\(source.folder)"
      let names = try files(under: root, package: source.package, folder: source.folder)
        .filter { Self.isSpeech($0) && (source.infix.isEmpty || $0.contains(source.infix)) }
      return names.map { "\(root)/\($0)" }
    }
  }

  /// Sounds of pressing and releasing the keys whose number is even, or odd.
  func keys(even: Bool, package: String) throws -> [(press: [Float], release: [Float])] {
    let folder = "usr/share/buckle/wav"
    let root = "\(unpacked)/\(package)/\(folder)"
    let names = Set(try files(under: root, package: package, folder: folder))
    let keys = names.compactMap { name -> String? in
      guard name.hasSuffix("-1.wav"), names.contains(name.replacing("-1.wav", with: "-0.wav"))
      else { return nil }
      return String(name.dropLast(6))
    }
    let chosen = keys.sorted().filter { (Int($0, radix: 16) ?? 0) % 2 == (even ? 0 : 1) }
    guard !chosen.isEmpty else {
      throw MiniCorpusError.missingSource(package: package, path: "\(folder)/*-1.wav")
    }
    return try chosen.map {
      (try recording("\(root)/\($0)-1.wav"), try recording("\(root)/\($0)-0.wav"))
    }
  }

  private static func isSpeech(_ name: String) -> Bool {
    let parts = name.split(separator: "/").map(String.init)
    let stem = parts.last.map { String($0.prefix { $0 != "." }) } ?? ""
    return !Catalogue.soundsThatAreNoSpeech.contains(stem)
      && Catalogue.foldersWithoutSpeech.isDisjoint(with: parts.dropLast())
  }

  /// Paths of the audio files below `root`, relative to it and sorted.
  private func files(under root: String, package: String, folder: String) throws -> [String] {
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    let audio = names.filter { Self.extensions.contains(PathText.fileExtension($0)) }.sorted()
    if audio.isEmpty { throw MiniCorpusError.missingSource(package: package, path: folder) }
    return audio
  }
}
