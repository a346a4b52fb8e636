import Audio
import Platform

/// Result of reading a whole packed corpus and comparing it with its checksums.
package struct PackVerification: Equatable {
  /// A recording that is not as it was packed.
  package struct Damage: Equatable, CustomStringConvertible {
    /// Its name in the file, such as `train/clean/p226_001`.
    package let name: String
    /// Description of the damage, with blocks and samples.
    package let reason: String

    /// `name: reason`.
    package var description: String { "\(name): \(reason)" }
  }

  /// Recordings that were read.
  package private(set) var recordingCount = 0
  /// Blocks of them.
  package private(set) var blockCount = 0
  /// Damaged recordings, in the order of the file.
  package private(set) var damages: [Damage] = []

  /// Reads every block of `corpus`. `progress` is called after each recording with the number of
  /// recordings and the seconds of audio done.
  package init(
    _ corpus: PackedCorpus,
    progress: (_ recordings: Int, _ audioSeconds: Double) -> Void = { _, _ in }
  ) {
    let reader = RecordingReader()
    var seconds = 0.0
    for recording in corpus.recordings {
      do throws(WaveFileError) {
        let blocks = try reader.damagedBlocks(of: recording)
        if !blocks.isEmpty {
          damages.append(Damage(name: recording.name, reason: Self.reason(blocks, recording)))
        }
      } catch {
        damages.append(Damage(name: recording.name, reason: error.reason))
      }
      recordingCount += 1
      blockCount += recording.blockCount
      seconds += Double(recording.sampleCount) / Double(recording.sampleRate)
      progress(recordingCount, seconds)
    }
  }

  private static func reason(_ blocks: [Int], _ recording: PackedRecording) -> String {
    let shown = blocks.prefix(4).map { block in
      let samples = recording.samples(ofBlock: block)
      return "\(block) (samples \(samples.lowerBound) to \(samples.upperBound - 1))"
    }
    let more = blocks.count > shown.count ? " and \(blocks.count - shown.count) more" : ""
    let list = shown.joined(separator: ", ") + more
    return NumberText.agree(
      blocks.count, "block \(list) does not fit its checksum",
      "blocks \(list) do not fit their checksums")
  }
}
