import Corpora
import Evaluation
import Foundation
import Models
import Platform
import Preparation
import Recipes
import RunFiles

// The files of every command that writes some. A command with an option for a file is missing in a
// test until it is here.

extension TrainCommand: FileCommand {
  package var isParallel: Bool { true }

  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--preset", input.preset)
    files.read("--data", input.data)
    files.read("--init", start.initialWeights)
    let model = try? Preset.load(input.preset)
    let folder = place.runDir ?? model.map { runFolder(of: $0).url.path(percentEncoded: false) }
    // A run that is continued may be given its own copy of the recipe.
    let copy = folder.map { RunFolder($0).file(.recipe) }
    if let name = recipe.recipe,
      !(place.resume && copy.map { ResolvedTraining.isCopy(name, at: $0) } ?? false)
    {
      files.read("--recipe", name)
    }
    files.write("--run-dir", into: folder, RunFolder.Name.allCases.map(\.rawValue))
    files.write("--trace", tracing.trace)
    return files
  }
}

extension EvaluateCommand: FileCommand {
  package var isParallel: Bool { true }

  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--weights", weights: weights.weights)
    files.read("--preset", weights.preset)
    files.read("--data", data)
    files.write(scores, hasNoisy: true)
    return files
  }
}

extension ScoreCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--reference", reference)
    files.read("--degraded", degraded)
    files.read("--noisy", noisy)
    files.write(scores, hasNoisy: noisy != nil)
    return files
  }
}

extension CommandFiles {
  fileprivate mutating func write(_ scores: ScoreOptions, hasNoisy: Bool) {
    write("--csv", scores.csv)
    if hasNoisy { write("--csv", scores.csv.map(ScoreFiles.noisyPath)) }
    write("--json", scores.json)
  }
}

extension EnhanceCommand: FileCommand {
  package var isParallel: Bool { true }

  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--weights", weights: weights.weights)
    files.read("--preset", weights.preset)
    var status = stat()
    let isFolder = stat(output, &status) == 0 && status.isFolder
    // Recordings are compared by `EnhancementJobs`, which knows which goes where.
    files.write("out", isFolder ? "\(output)/\(PathText.name(input))" : output)
    return files
  }
}

extension PreparePackCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--input", input)
    files.write("--output", output)
    return files
  }
}

extension PrepareMiniCorpusCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.write("--output", output)
    return files
  }
}

extension PrepareVoiceBankCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    // A file system may lead the folders of the output to those of the download.
    for name in VoiceBank.folderNames {
      files.read("--input", "\(input)/\(name.download)")
      files.write("--output", "\(output)/\(name.made)")
    }
    return files
  }
}

extension CompareCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("run", runs: runs)
    files.write("--output", into: output, ["comparison.csv", "comparison.json"])
    return files
  }
}

extension ReportCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("run", runs: runs)
    files.read(corporaOf: runs)
    files.read("--data", data)
    files.read("--scaling", scaling)
    files.write("--output", output)
    return files
  }
}

extension PlanCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--preset", recipe.preset)
    files.read("--recipe", recipe.recipe)
    files.read("--data", recipe.data)
    files.read("--network", machines.network)
    files.read("--shared-memory", machines.sharedMemory)
    files.read("--calibration", calibration)
    files.write("--save-calibration", saveCalibration)
    files.write("--json", output.json)
    return files
  }
}

extension BenchStepCommand: FileCommand {
  package var isParallel: Bool { true }

  package func files() -> CommandFiles { output.files(preset: preset) }
}

extension BenchKernelsCommand: FileCommand {
  package func files() -> CommandFiles { output.files(preset: preset) }
}

extension BenchEnhanceCommand: FileCommand {
  package func files() -> CommandFiles { output.files(preset: preset) }
}

extension BenchPESQCommand: FileCommand {
  package func files() -> CommandFiles { output.files() }
}

extension BenchScoreCommand: FileCommand {
  package func files() -> CommandFiles { output.files() }
}

extension BenchAllReduceCommand: FileCommand {
  package var isParallel: Bool { true }

  package func files() -> CommandFiles {
    var files = output.files()
    files.write("--csv", csv)
    return files
  }
}

extension BenchLoadingCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--data", data)
    files.write("--json", json)
    return files
  }
}

extension BenchScalingCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--preset", preset)
    files.read("--hostfile", hostfile)
    files.read("--from", from)
    files.write("--output", into: output.output, ["scaling.json", "scaling.csv", "scaling.svg"])
    if from.isEmpty {
      let steps = ranks.counts.map { "step-\($0)-ranks.json" }
      files.write("--output", into: output.output, steps)
    }
    return files
  }
}

extension BenchSimulateCommand: FileCommand {
  package func files() -> CommandFiles {
    var files = CommandFiles()
    files.read("--preset", preset)
    files.read("--network", network)
    files.read("--shared-memory", sharedMemory)
    files.read("--calibration", calibration)
    files.read("--measured", measured)
    let names = ["simulation.json", "simulation.csv", "simulation.svg"]
    files.write("--output", into: output.output, names)
    return files
  }
}

extension BenchOutput {
  /// The files of a benchmark of a model.
  fileprivate func files(preset: String? = nil) -> CommandFiles {
    var files = CommandFiles()
    files.read("--preset", preset)
    files.write("--json", json)
    return files
  }
}

extension LaunchCommand: FileCommand {
  package func files() -> CommandFiles {
    // Whether the job's own files are in order, train says; the hosts are this command's input.
    let words = CommandWords.joined(command)
    let train = (try? DistTrainCommand.parseAsRoot(words)) as? TrainCommand
    var files = train?.files() ?? CommandFiles()
    files.read("--hostfile", hostfile)
    return files
  }
}
