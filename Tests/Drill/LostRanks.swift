/// Ranks that die.
enum LostRanks {
  static let drills = [
    Drill("kill-rank-0", "kill -9 of rank 0", short: true) {
      try kill($0, "kill-rank-0", "kill -9 $(ranks | head -n 1)", status: 137)
    },
    Drill("kill-rank-1", "kill -9 of rank 1") {
      try kill($0, "kill-rank-1", "kill -9 $(ranks | tail -n 1)", status: 137)
    },
    Drill("kill-mpirun", "kill -9 of mpirun itself") { ground in
      try kill(ground, "kill-mpirun", "kill -9 $job", status: 137, saying: [])
    },
    Drill("kill-all", "kill -9 of mpirun and all ranks at once") { ground in
      try kill(ground, "kill-all", "kill -9 $job $(ranks)", status: 137, saying: [])
    },
    Drill("trap-rank-1", "a trap of rank 1 (SIGILL)") {
      try kill($0, "trap-rank-1", "kill -ILL $(ranks | tail -n 1)", status: 132, saying: [])
    },
  ]

  private static func kill(
    _ ground: DrillGround, _ run: String, _ harm: String, status: Int32,
    saying texts: [String] = ["exited on signal 9 (Killed)"]
  ) throws -> DrillOutcome {
    let killed = try ground.bench.train(
      ranks: 2, run: run, ground.recipe, until: "saved step 5 ", then: harm)
    try ground.requireEnd(killed, status: status, within: 10, saying: texts)
    let seconds = try ground.bench.harmSeconds()
    return DrillOutcome(
      did: "ended with \(status), no process left; resumed", seconds: seconds,
      kept: try ground.resumeAndCompare(run))
  }
}
