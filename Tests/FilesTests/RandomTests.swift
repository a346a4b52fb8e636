import Files
import Testing

/// Corpora, crops, orders and parameters are made of these numbers, so they never change.
@Suite struct RandomTests {
  struct Stream: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let generator: SplitMix64
    let bits: [UInt64]
    let below10: [Int]
    let uniform: [UInt64]
    let normal: [UInt64]
    let shuffled: [Int]
  }

  static let streams = [
    // The first two are those of the algorithm's authors for seed 0.
    Stream(
      testDescription: "seed", generator: SplitMix64(seed: 0),
      bits: [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f],
      below10: [9, 1, 3, 1], uniform: [0x3fe8_b082_6759_22d5, 0x3fcf_72bc_4820_e4c4],
      normal: [0xbfff_616f_1661_0f8c, 0xbffa_c41d_95fb_56ff], shuffled: [0, 4, 1, 2, 5, 3]),
    Stream(
      testDescription: "label", generator: SplitMix64(seed: 7, label: "p226_001"),
      bits: [0x8502_d279_7cc9_69af, 0x2aa6_2591_111a_e97e, 0xec37_0044_d635_bf2f],
      below10: [9, 9, 6, 9], uniform: [0x3fed_ae42_7e35_5242, 0x3fe8_f3af_aa7f_23a2],
      normal: [0x3fc7_3b2f_c301_3ca7, 0x3fd5_6c93_c775_f2c4], shuffled: [1, 3, 0, 5, 2, 4]),
    Stream(
      testDescription: "number", generator: SplitMix64(seed: 7, stream: 3),
      bits: [0x9c1b_0b5b_3e06_cf11, 0xe7aa_ae83_73ac_3545, 0x57c5_ca26_dfd8_5788],
      below10: [8, 8, 7, 9], uniform: [0x3fb9_8da4_bfa5_c6e8, 0x3feb_13fd_9b79_c14b],
      normal: [0x3fe4_baf9_bf30_81ea, 0x3ff4_a65e_facb_7f2b], shuffled: [0, 5, 4, 3, 2, 1]),
  ]

  /// The values of the bits, except for the last one, which the mathematical library decides.
  private func expect(_ values: [Double], _ bits: [UInt64]) {
    for (value, bits) in zip(values, bits) {
      let expected = Double(bitPattern: bits)
      #expect(abs(value - expected) <= expected.ulp)
    }
  }

  @Test(arguments: streams) func splitMix64IsFrozen(_ stream: Stream) {
    var random = stream.generator
    #expect((0..<3).map { _ in random.next() } == stream.bits)
    #expect((0..<4).map { _ in random.below(10) } == stream.below10)
    #expect((0..<2).map { _ in random.uniform().bitPattern } == stream.uniform)
    expect((0..<2).map { _ in random.normal() }, stream.normal)
    #expect(random.shuffled(Array(0..<6)) == stream.shuffled)
  }

  @Test func namedStreamsAreFrozen() {
    var empty = Random(seed: 0, stream: "")
    #expect(
      (0..<3).map { _ in empty.next() }
        == [0x6aa0_cdab_afa1_4c37, 0xef40_daed_6fa4_266a, 0xfeaf_63d7_493b_3cb2])
    #expect(
      (0..<2).map { _ in empty.uniform(in: -1, 1).bitPattern } == [0xbe5d_6090, 0xbf14_f55a])
    expect((0..<2).map { _ in empty.normal() }, [0x3fec_fe68_2f63_c3ac, 0xbfe2_9b9f_8a9f_fb79])
    var named = Random(seed: 7, stream: "weights")
    #expect(
      (0..<3).map { _ in named.next() }
        == [0x45e0_df51_bf40_49d5, 0x8f3f_e22a_8b1c_6bae, 0x7676_949e_ba14_68d2])
    #expect(
      (0..<2).map { _ in named.uniform(in: -1, 1).bitPattern } == [0xbcc3_0c80, 0xbdb3_c1e0])
    expect((0..<2).map { _ in named.normal() }, [0xbfef_e311_82aa_5cf5, 0xbfd5_8f34_251d_d6e3])
  }

  @Test func hashesAreThoseOfTheirAuthors() {
    #expect(FNV1a.hash("".utf8) == 0xcbf2_9ce4_8422_2325)
    #expect(FNV1a.hash("a".utf8) == 0xaf63_dc4c_8601_ec8c)
    #expect(FNV1a.hash("foobar".utf8) == 0x8594_4171_f739_67e8)
  }
}
