extension PESQ.PaddedSignal {
  /// Applies the wide-band input filter of P.862.2, a high-pass near 100 Hz, to the data region
  /// after a fade of 15 samples at its edges.
  mutating func applyWideBandInputFilter() {
    fadeEdges(by: (1...15).map { Double($0) / 16 })
    PESQ.wideBandInputFilter.filter(&samples, in: data)
  }

  /// The copy that the time alignment works on: without mean, faded over 64 samples at the edges,
  /// and filtered to the spectrum of telephone speech (P.862, 10.1).
  func alignmentCopy() -> Self {
    var copy = self
    // The model divides the sum by the padded length, not by the number of samples.
    let mean = data.reduce(0.0) { $0 + Double(samples[$1]) } / Double(count)
    for i in data { copy.samples[i] = Float(Double(samples[i]) - mean) }
    copy.fadeEdges(by: (0..<64).map { (0.5 + Double($0)) / 64 })
    PESQ.alignmentFilter.filter(&copy.samples, in: copy.samples.indices)
    return copy
  }
}

extension PESQ {
  /// Filter of P.862.2 at 16 kHz, with a gain of about 2.8 above 100 Hz.
  fileprivate static let wideBandInputFilter = BiquadCascade(sections: [
    Biquad(2.740826, -5.4816519, 2.740826, -1.9444777, 0.94597794)
  ])

  /// Telephone-band filter of the time alignment at 16 kHz (P.862, 10.1).
  fileprivate static let alignmentFilter = BiquadCascade(sections: [
    Biquad(0.325631521, -0.086782860, -0.238848661, -1.079416490, 0.434583902),
    Biquad(0.403961804, -0.556985881, 0.153024077, -0.415115835, 0.696590244),
    Biquad(4.736162769, 3.287251046, 1.753289019, -1.859599046, 0.876284034),
    Biquad(0.365373469, 0.000000000, 0.000000000, -0.634626531, 0.000000000),
    Biquad(0.884811506, 0.000000000, 0.000000000, -0.256725271, 0.141536777),
    Biquad(0.723593055, -1.447186099, 0.723593044, -1.129587469, 0.657232737),
    Biquad(1.644910855, -1.817280902, 1.249658063, -1.778403899, 0.801724355),
    Biquad(0.633692689, -0.284644314, -0.319789663, 0.000000000, 0.000000000),
    Biquad(1.032763031, 0.268428979, 0.602913323, 0.000000000, 0.000000000),
    Biquad(1.001616361, -0.823749013, 0.439731942, -0.885778255, 0.000000000),
    Biquad(0.752472096, -0.375388990, 0.188977609, -0.077258216, 0.247230734),
    Biquad(1.023700575, 0.001661628, 0.521284240, -0.183867259, 0.354324187),
  ])
}
