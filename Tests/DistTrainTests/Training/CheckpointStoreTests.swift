import Checkpoints
import Communication
import DistTrain
import Files
import Foundation
import Models
import Recipes
import RunFiles
import TestSupport
import Testing

/// The files of a run's checkpoints: which stay, and which one a run goes on from.
@Suite struct CheckpointStoreTests {
  /// Two bands: a file with few tensors, since all of them are looked at again and again.
  private static let model =
    tinyModel
    .replacing("[2, 3, \"12x21\"]", with: "[100, 157]").replacing(
      "\"layers\": 2", with: "\"layers\": 1")

  let configuration: TrainingConfiguration

  init() throws {
    configuration = TrainingConfiguration(
      model: try ModelConfiguration(parsing: Array(Self.model.utf8), file: "tiny")
    ) {
      $0.seed = 3
      $0.epochs = 3
      $0.batch = 2
      $0.averageDecay = 0.9
    }
  }

  /// A run that stands at `step`, with numbers of its own everywhere.
  func state(step: Int) -> TrainingState {
    let state = TrainingState(configuration)
    state.progress.step = step
    state.progress.stepInEpoch = step
    state.adam.stepCount = step
    state.average?.updateCount = step
    for (index, storage) in [
      state.model.parameters.values, state.adam.firstMoment, state.adam.secondMoment,
    ].enumerated() {
      for place in 0..<storage.count { storage.base[place] += Float(step * 3 + index) }
    }
    state.average?.values.base[0] = Float(step)
    return state
  }

  func withStore(
    keep: Int = 2, saving steps: [Int] = [], _ body: (CheckpointStore, URL) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let store = CheckpointStore(
        RunFolder(folder.path(percentEncoded: false)), keep: keep)
      for step in steps { _ = try store.save(state(step: step), configuration) }
      try body(store, folder)
    }
  }

  func load(_ store: CheckpointStore) throws -> (TrainingState, CheckpointStore.Found) {
    let state = TrainingState(configuration)
    return (state, try store.load(into: state, configuration, over: LocalCommunicator()))
  }

  func bytes(_ state: TrainingState) throws -> Data {
    try Checkpoint.serialized(state, configuration)
  }

  func name(_ step: Int) -> String { String(format: "step-%08d.safetensors", step) }

  func damage(_ url: URL) throws {
    var data = try Data(contentsOf: url)
    data[data.count - 5] ^= 16
    try data.write(to: url)
  }

  @Test func weightsThatWaitForTheirValidationComeBack() throws {
    let waiting = state(step: 5)
    waiting.progress.epoch = 2
    waiting.progress.unvalidated = EpochFigures(
      trainingLoss: 0.1, learningRate: 1e-3, seconds: 2.5, stepSeconds: 2, audioSeconds: 30,
      dataSeconds: 0.25)
    let frozen = waiting.frozen.parameters.values
    // The places between parameters, which no file holds, are zero.
    for parameter in waiting.frozen.parameters.parameters {
      for place in 0..<parameter.count { parameter.value[place] = Float(place) - 0.5 }
    }
    let data = try bytes(waiting)
    let loaded = TrainingState(configuration)
    try Checkpoint(data, path: "a").restore(loaded, configuration)
    #expect(loaded.progress == waiting.progress)
    let isSame = Array(loaded.frozen.parameters.values.buffer) == Array(frozen.buffer)
    #expect(isSame)
    #expect(try bytes(loaded) == data)

    // Without them it cannot be resumed; without their epoch they are not kept.
    let file = try SafetensorsFile(data: data, path: "a")
    let lost = try #require(file.entries.first { $0.name.hasPrefix("frozen.") }).name
    let part = SafetensorsFile(
      entries: file.entries.filter { $0.name != lost }, metadata: file.metadata
    ).addingChecksums().serialized()
    #expect(throws: CheckpointError.incomplete(path: "a", missing: lost)) {
      try Checkpoint(part, path: "a").restore(loaded, configuration)
    }
    waiting.progress.unvalidated = nil
    let shorter = try SafetensorsFile(data: bytes(waiting), path: "a")
    #expect(!shorter.entries.contains { $0.name.hasPrefix("frozen.") })
    #expect(shorter.entries.count < file.entries.count)
  }

  @Test func theNewestStayAndTheLinkLeadsToTheLast() throws {
    for keep in 1...3 {
      try withStore(keep: keep, saving: [5, 10, 15, 20]) { store, folder in
        let expected = [5, 10, 15, 20].suffix(keep).map(name)
        #expect(try folder.names(in: "") == ["last.safetensors"] + expected)
        let link = try FileManager.default.destinationOfSymbolicLink(
          atPath: folder.file("last.safetensors"))
        #expect(link == name(20))
        let (loaded, found) = try load(store)
        #expect(try bytes(loaded) == bytes(state(step: 20)))
        #expect(found.rejected.isEmpty && found.oddities.isEmpty && found.checkpoint.hasChecksums)
        #expect(found.checkpoint.progress.step == 20)
      }
    }
  }

  @Test func whatIsSavedIsSaid() throws {
    try withStore { store, folder in
      let saved = try store.save(state(step: 7), configuration)
      #expect(saved.step == 7 && saved.file == folder.file(name(7)) && saved.seconds > 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: saved.file)).count == saved.bytes)
    }
  }

  @Test func aDamagedOneIsPassedOverAndLaterTidiedUp() throws {
    try withStore(saving: [5, 10]) { store, folder in
      try damage(folder.appending(path: name(10)))
      let (loaded, found) = try load(store)
      #expect(try bytes(loaded) == bytes(state(step: 5)))
      #expect(found.rejected.map(\.path) == [folder.file(name(10))])
      #expect(
        found.rejected.first?.reason.contains(
          "the checksum of its tensors of \"ema\" is ") == true)
      // Steps 6 to 9 come again; 10 is of a future that was given up, whatever its number.
      _ = try store.save(state(step: 7), configuration)
      #expect(try folder.names(in: "") == ["last.safetensors", name(5), name(7)])
      #expect(try load(store).1.checkpoint.progress.step == 7)
    }
  }

  @Test func theLinkMayBeMissingOrDangling() throws {
    try withStore(saving: [5, 10]) { store, folder in
      let link = folder.appending(path: "last.safetensors")
      try FileManager.default.removeItem(at: link)
      let missing = try load(store).1
      #expect(missing.checkpoint.progress.step == 10)
      #expect(missing.oddities == ["\(folder.file("last.safetensors")) is missing"])
      #expect(throws: RunFolderError.self) { try store.folder.requireNoRun() }
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("last.safetensors"), withDestinationPath: name(99))
      let dangling = try load(store).1
      #expect(dangling.checkpoint.progress.step == 10)
      #expect(
        dangling.oddities.first?.hasSuffix("leads to \(name(99)), which is not there") == true)
      #expect(throws: RunFolderError.self) { try store.folder.requireNoRun() }
      // A link that was set back by hand is followed.
      try FileManager.default.removeItem(at: link)
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("last.safetensors"), withDestinationPath: name(5))
      #expect(try load(store).1.checkpoint.progress.step == 5)
    }
  }

  @Test func aRunOfTheOlderFormGoesOn() throws {
    try withStore { store, folder in
      // Without checksums and under the name of the link, as version 0.1.0 wrote it.
      let whole = try SafetensorsFile(data: bytes(state(step: 4)), path: "x")
      let older = SafetensorsFile(
        entries: whole.entries,
        metadata: whole.metadata.filter { !$0.key.hasPrefix("checksum.") })
      try older.serialized().write(to: store.folder.last)
      let (loaded, found) = try load(store)
      #expect(try bytes(loaded) == bytes(state(step: 4)))
      #expect(!found.checkpoint.hasChecksums)
      _ = try store.save(state(step: 9), configuration)
      #expect(try folder.names(in: "") == ["last.safetensors", name(4), name(9)])
      #expect(try load(store).1.checkpoint.progress.step == 9)
      try damage(folder.appending(path: name(9)))
      #expect(try load(store).1.checkpoint.progress.step == 4)
    }
  }

  @Test func noneIsAnErrorThatListsAll() throws {
    try withStore(saving: [5, 10]) { store, folder in
      try damage(folder.appending(path: name(5)))
      try Data("no checkpoint".utf8).write(to: folder.appending(path: name(10)))
      let before = state(step: 1)
      let unchanged = try bytes(before)
      let error = #expect(throws: RootFailure.self) {
        try store.load(into: before, configuration, over: LocalCommunicator())
      }
      #expect(try bytes(before) == unchanged)
      let text = try #require(error).description
      for part in [
        "no checkpoint can be resumed", name(5), name(10), "the checksum of",
        "is a text file, not a safetensors file",
      ] { #expect(text.contains(part), "\(text)") }
      #expect(try folder.names(in: "") == ["last.safetensors", name(5), name(10)])
    }
    try withStore { store, _ in
      let error = #expect(throws: RootFailure.self) { try load(store) }
      #expect(error?.description.contains("no checkpoint to resume") == true)
    }
  }

  @Test func anotherRecipeIsNoDamage() throws {
    try withStore(saving: [5, 10]) { store, _ in
      var other = configuration
      other.learningRate = 0.5
      let error = #expect(throws: RootFailure.self) {
        try store.load(into: TrainingState(other), other, over: LocalCommunicator())
      }
      #expect(error?.description.contains("--lr (0.5 here, 0.001 in the checkpoint)") == true)
    }
  }

  @Test func numbersThatAreNotFiniteCountAsDamageIfAsked() throws {
    try withStore(saving: [5]) { store, folder in
      let sick = state(step: 10)
      sick.adam.secondMoment.base[3] = .infinity
      _ = try store.save(sick, configuration)
      #expect(try load(store).1.checkpoint.progress.step == 10)
      let found = try store.load(
        into: TrainingState(configuration), configuration, finite: true, over: LocalCommunicator())
      #expect(found.checkpoint.progress.step == 5)
      let reason = try #require(found.rejected.first?.reason)
      #expect(reason.contains(": 1 number of adam.exp_avg_sq.band_split"), "\(reason)")
      #expect(reason.contains(" is not finite"), "\(reason)")
      sick.adam.secondMoment.base[4] = .nan
      _ = try store.save(sick, configuration)
      let both = try store.load(
        into: TrainingState(configuration), configuration, finite: true, over: LocalCommunicator())
      let reasons = try #require(both.rejected.first?.reason)
      #expect(reasons.contains(": 2 numbers of adam.exp_avg_sq.band_split"), "\(reasons)")
      #expect(reasons.contains(" are not finite"), "\(reasons)")
    }
  }

  @Test func allRanksGoOnFromTheSame() throws {
    try withStore(saving: [5, 10]) { store, folder in
      try damage(folder.appending(path: name(10)))
      let configuration = configuration
      let steps = try LocalCommunicator.run(size: 3) { communicator in
        // In the middle of a run: the numbers that are there are of no account.
        let state = TrainingState(configuration)
        state.model.parameters.values.base[0] = .nan
        let found = try store.load(into: state, configuration, over: communicator)
        #expect(found.rejected.count == 1)
        return try Checkpoint.serialized(state, configuration)
      }
      #expect(try steps == Array(repeating: bytes(state(step: 5)), count: 3))
    }
  }

  /// Without checksums, as version 0.1.0 wrote them, numbers that somebody edited are not noticed
  /// by those.
  @Test(arguments: [
    (#""step":5"#, #""step":9223372036854775807"#), (#""epoch":"#, #""epoch":-1"#),
    (#""lossCount":"#, #""lossCount":9223372036854775807"#),
  ])
  func countersOfNoRunAreRefused(key: String, value: String) throws {
    let file = try SafetensorsFile(data: bytes(state(step: 5)), path: "a")
    var metadata = file.metadata.filter { !$0.key.hasPrefix(SafetensorsFile.checksumPrefix) }
    let progress = try #require(metadata["progress"])
    let start = try #require(progress.range(of: key))
    let rest = progress[start.upperBound...].drop { $0.isNumber }
    metadata["progress"] = progress[..<start.lowerBound] + value + rest
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint(
        SafetensorsFile(entries: file.entries, metadata: metadata).serialized(), path: "a")
    }
    #expect(error?.description.contains("its counters are impossible (step ") == true)
    metadata["progress"] = progress
    metadata["adam.step"] = "\(Int.max)"
    #expect(throws: CheckpointError.damaged(path: "a", reason: "adam.step is \(Int.max)")) {
      try Checkpoint(
        SafetensorsFile(entries: file.entries, metadata: metadata).serialized(), path: "a")
    }
  }

  @Test func truncationsAndFlipsAreNeverLoaded() throws {
    try withStore(saving: [5]) { _, folder in
      let path = folder.file(name(5))
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      let state = TrainingState(configuration)
      let unchanged = try bytes(state)
      func attempt(_ data: Data) throws -> CheckpointError? {
        do throws(CheckpointError) {
          try Checkpoint(data, path: path).restore(state, configuration)
          return nil
        } catch {
          #expect(error.description.hasPrefix(path), "\(error)")
          return error
        }
      }
      for part in 0..<16 {
        #expect(try attempt(whole.prefix(whole.count * part / 16)) != nil, "\(part)/16")
      }
      let headerEnd = 8 + whole.prefix(8).enumerated().reduce(0) { $0 + Int($1.1) << (8 * $1.0) }
      // Places all over the header and in all groups, each with a bit of its own; every bit of a
      // small file is flipped in `SafetensorsChecksumTests`.
      let header = Array(stride(from: 0, to: headerEnd - 8, by: headerEnd / 97))
      let data = Array(stride(from: headerEnd, to: whole.count, by: whole.count / 97))
      for place in header + data {
        var damaged = whole
        damaged[place] ^= 1 << (place % 8)
        #expect(try attempt(damaged) != nil, "bit \(place % 8) of byte \(place)")
      }
      #expect(try bytes(state) == unchanged, "a refused checkpoint changed the state")
      #expect(try attempt(whole) == nil)
      #expect(try bytes(state) == bytes(self.state(step: 5)))
    }
  }
}
