import Audio
import Models
import Tensor

extension STFT {
  /// Plans the transform of a model's front end.
  package convenience init(_ frontEnd: FrontEnd) {
    self.init(fftLength: frontEnd.fftLength, hopSamples: frontEnd.hopSamples)
  }

  /// The spectrogram of `samples` as models take it, [1, T, F, 2].
  ///
  /// - Throws: `STFTError` for a signal too short for the transform's reflected edges.
  package func tensor(of samples: [Float]) throws(STFTError) -> Tensor {
    let spectrogram = Tensor(
      shape: [1, frameCount(sampleCount: samples.count), binCount, 2])
    try samples.withUnsafeBufferPointer { samples throws(STFTError) in
      try forward(samples, into: spectrogram.base)
    }
    return spectrogram
  }
}
