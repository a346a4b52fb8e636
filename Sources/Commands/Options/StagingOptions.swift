import ArgumentParser

/// Reading a packed corpus from a disk of each machine.
struct StagingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Copy a packed corpus to this folder of each machine's own disk, once a machine, and read it "
        + "there.", valueName: "folder"))
  var stage: String?

  func validate() throws {
    try Flags.require(
      stage?.isEmpty != true, "--stage is empty; is the variable that it names set?")
  }
}
