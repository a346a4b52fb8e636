import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Disks that are full, or give back something else than what was written.
@Suite(.serialized) struct BadDiskTests {
  @Test(arguments: [1, 2]) func aFullDiskEndsTheRunInOrder(ranks: Int) throws {
    try TrainingBench.use { bench in
      try bench.folder.makeFolder("b")
      try bench.folder.makeFolder("kept")
      // The run folder is a small disk of its own. Where that is forbidden, one rank may write only
      // small files: MPI's own would be too large.
      let mount = "mount -t tmpfs -o size=4m tmpfs b"
      let mayMount =
        try Subprocess.run(
          "/usr/bin/env", ["unshare", "-m"] + mount.split(separator: " ").map(String.init),
          folder: bench.folder, timeLimit: 20
        ).status == 0
      let ranks = mayMount ? ranks : 1
      let recipe = ["--epochs", "9", "--batch", "\(4 / ranks)", "--checkpoint-every", "2"]
      let harm =
        mayMount
        ? """
        \(mount) || exit 89
        fill() { dd if=/dev/zero of=b/filler bs=4k 2>/dev/null; }
        free() { rm b/filler; }
        limit() { "$@"; }
        """
        : """
        fill() { :; }
        free() { :; }
        limit() { (trap '' XFSZ; ulimit -f 200; "$@"); }
        """
      let script = """
        \(harm)
        "$@" --stop-after 4 >log 2>&1 || exit 90
        cksum b/step-00000002.safetensors b/step-00000004.safetensors >before
        fill
        limit "$@" --stop-after 8 --resume >out 2>err
        echo "status $?"
        cksum b/step-00000002.safetensors b/step-00000004.safetensors >after
        cmp before after || exit 91
        ls b >names
        free
        "$@" --stop-after 8 --resume >>log 2>&1 || exit 92
        cp -a b/. kept/
        cat err
        """
      let words = try bench.words(ranks: ranks, run: "b", recipe)
      let outcome = try Subprocess.run(
        "/usr/bin/env",
        (mayMount ? ["unshare", "-m"] : []) + ["/bin/sh", "-c", script, "sh"] + words,
        environment: MPIRun.launchEnvironment(), folder: bench.folder, timeLimit: 120)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("status 1\n"), "\(outcome)")
      let errors = outcome.output.split(separator: "\n").filter { $0.contains("error:") }
      #expect(errors.count == 1, "\(outcome)")
      #expect(errors.first?.contains("step-00000006.safetensors could not be written") == true)
      let names = try String(contentsOfFile: bench.folder.file("names"), encoding: .utf8)
      #expect(!names.contains("tmp-") && !names.contains("step-00000006"), "\(names)")
      // Once there is space it goes on as if there had always been.
      #expect(
        try bench.train(ranks: ranks, run: "a", recipe + ["--stop-after", "8"]).status == 0)
      try bench.expectEqual("a", "kept")
    }
  }

  @Test func whatTheDiskGivesBackIsCompared() throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "9", "--batch", "2", "--checkpoint-every", "2"]
      let outcome = try bench.train(
        ranks: 2, run: "b", recipe, environment: ["DISTTRAIN_FAULT": "damage-checkpoint@step=4"])
      #expect(outcome.status == 1, "\(outcome)")
      let text = "step-00000004.safetensors could not be saved: what the disk gives back is not"
      #expect(occurrences(of: text, in: outcome.errors) == 1, "\(outcome)")
      let names = try bench.folder.names(in: "b").filter {
        $0.contains("safetensors") && !$0.hasPrefix("utterances-")
      }
      #expect(names == ["last.safetensors", "step-00000002.safetensors"])
      let end = ["--stop-after", "8"]
      #expect(try bench.train(ranks: 2, run: "b", recipe + end + ["--resume"]).status == 0)
      #expect(try bench.train(ranks: 2, run: "a", recipe + end).status == 0)
      try bench.expectEqual("a", "b")
    }
  }

  @Test func wrongFaultsAreErrors() throws {
    try TrainingBench.use { bench in
      for (fault, text) in [("stop-time@step=1", "no fault \"stop-time\""), ("x", "\"x\"")] {
        let outcome = try bench.train(
          ranks: 2, run: "b", [], environment: ["DISTTRAIN_FAULT": fault])
        #expect(outcome.status == 1, "\(outcome)")
        #expect(occurrences(of: "error: DISTTRAIN_FAULT", in: outcome.errors) == 1, "\(outcome)")
        #expect(outcome.errors.contains(text), "\(outcome)")
      }
    }
  }
}
