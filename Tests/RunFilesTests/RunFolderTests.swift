import Foundation
import RunFiles
import Testing
import TestSupport

/// The names of the files of a run.
@Suite struct RunFolderTests {
  private static let root = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()

  @Test func checkpointsAreFoundByTheirNames() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      let run = RunFolder(folder.file("run"))
      #expect(run.checkpoints().isEmpty)
      for name in [
        "step-00000007.safetensors", "step-00001234.safetensors", "step-123456789.safetensors",
        // No names of this program.
        "step-7.safetensors", "step-00000008 (copy).safetensors", "step-.safetensors",
        "step--0000001.safetensors", "step-00000009.safetensors.tmp-host-1", "step-00000009",
        "last.safetensors", "step-00000009-rank0.safetensors",
      ] { try Data().write(to: run.url.appending(path: name)) }
      #expect(run.checkpoints().map(\.step) == [123_456_789, 1234, 7])
      #expect(run.checkpoints()[2].url.lastPathComponent == "step-00000007.safetensors")
    }
  }

  @Test func keptEpochsAreFoundByTheirNames() throws {
    try withTemporaryFolder { folder in
      let run = RunFolder(folder.path(percentEncoded: false))
      #expect(run.keptEpochs.isEmpty)
      for name in [
        "epoch-00000012.safetensors", "epoch-00000002.safetensors",
        // No names of this program.
        "epoch-3.safetensors", "epoch-00000000.safetensors", "epoch-00000004 (copy).safetensors",
        "epoch-00000005.safetensors.tmp-host-1", "best.safetensors", "mean-best-10.safetensors",
        "mean-best-2.safetensors", "mean-best-03.safetensors", "mean-best-4 (copy).safetensors",
      ] { try Data().write(to: run.url.appending(path: name)) }
      #expect(run.keptEpochs == [2, 12])
      #expect(run.means == [2, 10])
    }
  }

  @Test func dumpsAreInOrderOfTheirSteps() throws {
    try withTemporaryFolder { folder in
      let names = [
        "step-00000002-rank0.safetensors", "step-00000002-rank0-2.safetensors",
        "step-00000002-rank11.safetensors", "step-00000010-rank0.safetensors",
      ]
      #expect(RunFolder.dumpName(step: 2, rank: 0) == names[0])
      #expect(RunFolder.dumpName(step: 2, rank: 0, count: 2) == names[1])
      for name in names.reversed() + ["other.safetensors", "step-00000002-rank0.txt"] {
        try Data().write(to: folder.appending(path: name))
      }
      #expect(RunFolder.dumpNames(in: folder.file("")) == names)
    }
  }

  /// Files of a run are never mixed with those of a new one, whichever of them are left.
  @Test(arguments: RunFolder.Name.allCases.map(\.rawValue) + ["step-00000007.safetensors"])
  func anyFileOfARunIsInTheWay(name: String) throws {
    try withTemporaryFolder { folder in
      try Data("notes".utf8).write(to: folder.appending(path: "notes.txt"))
      let run = RunFolder(folder.path(percentEncoded: false))
      try run.requireNoRun()
      try Data("{}".utf8).write(to: folder.appending(path: name))
      // A lock that is left over is no run.
      if name == RunFolder.Name.lock.rawValue { return try run.requireNoRun() }
      let error = #expect(throws: RunFolderError.self) { try run.requireNoRun() }
      let text = try #require(error).description
      #expect(text.contains("(\(name))") && text.contains("another --run-dir"), "\(text)")
      let hasCheckpoint = name.hasPrefix("step-") || name == RunFolder.Name.last.rawValue
      let isBegun = name == RunFolder.Name.configuration.rawValue
      #expect(run.isBegun == isBegun)
      #expect(text.contains("--resume") == (hasCheckpoint || isBegun), "\(text)")
    }
  }

  @Test func foldersThatWereMadeAreKnown() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("a")
      let run = RunFolder(folder.file("a/b/c"))
      let made = try run.create()
      #expect(made.map { ($0 as NSString).lastPathComponent } == ["b", "c"])
      #expect(run.exists)
      #expect(try run.create() == [])
      try Data().write(to: folder.appending(path: "a/file"))
      #expect(throws: RunFolderError.self) { try RunFolder(folder.file("a/file/d")).create() }
      // Nothing is left of a folder that could not be made.
      let long = String(repeating: "x", count: 256)
      #expect(throws: RunFolderError.self) { try RunFolder(folder.file("a/new/\(long)")).create() }
      #expect(try folder.names(in: "a") == ["b", "file"])
    }
  }

  /// One place spells the names, so that a file that is written is the one that is read.
  @Test func noOtherSourceFileSpellsAName() throws {
    let sources = Self.root.appending(path: "Sources").path(percentEncoded: false)
    let files = try #require(FileManager.default.enumerator(atPath: sources))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
    #expect(files.count > 300)
    // A kind of event, a metadata key and a flag have such names, too, but in no path.
    let folders = [RunFolder.Name.nonFinite.rawValue, RunFolder.Name.tensorBoard.rawValue]
    for file in files where file != "RunFiles/RunFolder.swift" {
      let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
      for line in text.split(separator: "\n") {
        let isPath = line.contains("path: ") || line.contains("/\\(")
        for name in RunFolder.Name.allCases.map(\.rawValue) where line.contains("\"\(name)\"") {
          #expect(folders.contains(name) && !isPath, "\(file): \(line)")
        }
      }
    }
  }

  /// The table of docs/files.md has every name, and no other but those of checkpoints and of the
  /// weights of epochs and their mean.
  @Test func thePageHasEveryName() throws {
    let page = try FilesPage()
    let names = page.tables(under: "The run folder").flatMap { $0 }.flatMap { $0.names }
    let expected = RunFolder.Name.allCases.map { name in
      name == .nonFinite || name == .tensorBoard ? "\(name.rawValue)/" : name.rawValue
    }
    let run = RunFolder("run")
    let numbered = [run.checkpoint(step: 1234), run.weights(epoch: 12)].map(\.lastPathComponent)
    let mean = run.mean(ofBest: 7).lastPathComponent.replacing("7", with: "K")
    #expect(Set(names) == Set(expected + numbered + [mean]))
    #expect(names.count == expected.count + 3)
    for name in numbered + ["mean-best-3.safetensors"] { #expect(RunFolder.isOwn(name)) }
  }
}
