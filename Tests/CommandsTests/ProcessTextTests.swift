import Commands
import Testing

/// Arguments, variables and folders whose bytes are not UTF-8.
@Suite struct ProcessTextTests {
  private let latin: [UInt8] = Array("caf".utf8) + [0xE9] + Array(".wav".utf8)

  private func fault(
    _ arguments: [[UInt8]] = [], _ environment: [[UInt8]] = [], folder: [UInt8] = [0x2F]
  ) -> String? {
    ProcessText.fault(arguments: arguments, environment: environment, folder: folder)
  }

  @Test func utf8Passes() {
    #expect(fault([Array("disttrain".utf8), Array("café.wav".utf8)]) == nil)
    // Somebody's prompt is not this program's business.
    #expect(fault([], [Array("PS1=".utf8) + latin, Array("HOME=/ü".utf8)]) == nil)
  }

  @Test func otherBytesAreShown() {
    #expect(
      fault([[0x64], latin])
        == "argument 1 is not UTF-8: caf\\xE9.wav; rename the file or folder, or give a link to it")
    for name in ["HOME", "TMPDIR", "SLURM_SUBMIT_DIR", "DISTTRAIN_FAULT", "OMPI_X"] {
      #expect(
        fault([], [Array("\(name)=".utf8) + latin])
          == "an environment variable is not UTF-8: \(name)=caf\\xE9.wav; set it to another value")
    }
    #expect(
      fault(folder: [0x2F] + latin)
        == "the path of the current folder is not UTF-8: /caf\\xE9.wav; start the program in "
        + "another folder")
  }
}
