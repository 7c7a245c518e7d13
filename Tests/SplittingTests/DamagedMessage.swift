import Splitting

extension LinkMessage {
    /// The message with one bit of its payload turned; unchanged if it has none.
    var damaged: LinkMessage {
        switch self {
        case .chunk(var chunk):
            if !chunk.payload.isEmpty { chunk.payload[chunk.payload.count / 2] ^= 4 }
            return .chunk(chunk)
        case .result(var result):
            if !result.payload.isEmpty { result.payload[result.payload.count / 2] ^= 4 }
            return .result(result)
        case .answer(var answer):
            if !answer.payload.isEmpty { answer.payload[answer.payload.count / 2] ^= 4 }
            return .answer(answer)
        default: return self
        }
    }
}
