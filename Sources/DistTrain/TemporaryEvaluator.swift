import Audio
import Foundation
import Metrics
import Models
import Tensor
final class TemporaryEvaluator {
  let model: SpeechEnhancer, pairs: [UtterancePair], c: any Communicator
  var noisy: [Double] = []
  init(model: SpeechEnhancer, pairs: [UtterancePair], over c: any Communicator) { self.model = model; self.pairs = pairs; self.c = c }
  func evaluate() throws -> [Double] {
    let stft = STFT()
    var r = [Double](repeating: 0, count: 5)
    for (i, p) in pairs.enumerated() where i % c.worldSize == c.rank {
      let clean = try WaveFile.read(path: p.clean), noisyW = try WaveFile.read(path: p.noisy)
      let s = try stft.forward(noisyW.samples), cs = try stft.forward(clean.samples)
      let shape = [1, s.count / 514, 257, 2]
      let out = model(Tensor(shape: shape, elements: s), .inference)
      r[4] += Double(spectralLoss(out, Tensor(shape: shape, elements: cs), .inference).total)
      let e = stft.inverse(out.elements, sampleCount: clean.samples.count)
      r[0] += try PESQ.wideBand(reference: clean.samples, degraded: e, sampleRate: 16000)
      r[1] += try PESQ.wideBand(reference: clean.samples, degraded: noisyW.samples, sampleRate: 16000)
      r[2] += try siSDR(reference: clean.samples, degraded: e)
      r[3] += try siSDR(reference: clean.samples, degraded: noisyW.samples)
    }
    return try c.allReduceSum(r).map { $0 / Double(pairs.count) } + [Double(pairs.count)]
  }
}
extension ValidationScores {
  init(_ r: [Double]) { self.init(pesq: r[0], noisyPESQ: r[1], siSDR: r[2], noisySISDR: r[3], loss: r[4], scored: Int(r[5]), total: Int(r[5]), unscorable: []) }
}
