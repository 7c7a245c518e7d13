/// Answers of reassembly nodes.
extension SplitJob {
    /// A reassembly node says how the job ended there.
    mutating func receive(_ answer: JobAnswer, from node: String, context: inout SplitContext) {
        guard asked.contains(node) else {
            context.counters.strayMessages += 1
            return
        }
        if answer.status == .done { return take(answer, from: node, context: &context) }
        trace.add(.answer(node: node, status: answer.status, usable: false), now: context.now)
        // An earlier reassembly node may fail as it likes.
        if node != reassembly { return }
        switch answer.status {
        case .done: break
        case .refused: takeOver(context: &context)
        case .failed:
            learn(from: answer, context: &context)
            fail(.failed, context: &context)
        case .expired:
            learn(from: answer, context: &context)
            fail(.deadline, context: &context)
        case .tooLong: fail(.tooLong, context: &context)
        }
    }

    /// A joined result came: good answers end the job, from whichever node they come.
    private mutating func take(_ answer: JobAnswer, from node: String, context: inout SplitContext) {
        let good = context.checksum(settings.checksums, answer.payload) == answer.checksum
        trace.add(.answer(node: node, status: .done, usable: good), now: context.now)
        guard good else {
            context.counters.damagedAnswers += 1
            if node != reassembly { return }
            damagedAnswers += 1
            // The node keeps its answer until the job is settled: it is asked once more, then another one is.
            if damagedAnswers == 1 { return sendOpening(to: node, context: &context) }
            return takeOver(context: &context)
        }
        let limit = AnswerParts.largestDatagram
        if answer.payload.count > limit && settings.largeAnswers == .refuse {
            return fail(.tooLong, context: &context)
        }
        learn(from: answer, context: &context)
        let took = context.now.microseconds(since: began)
        context.counters.jobTime.record(UInt64(took))
        context.histories[request.type.name, default: TypeHistory()].recordJob(
            payloadBytes: request.payload.count, answerBytes: answer.payload.count, took: took)
        let datagrams =
            answer.payload.count > limit
            ? AnswerParts.datagrams(of: answer.payload, id: id.number) : [answer.payload]
        end(.answered, answer: datagrams, context: &context)
    }

    /// Learns what the chunks took and who was late, and frees the nodes.
    private mutating func learn(from answer: JobAnswer, context: inout SplitContext) {
        guard answer.chunks.count == chunks.count else { return }
        let type = request.type.name
        for index in chunks.indices {
            let line = answer.chunks[index]
            let bytes = chunks[index].range.count
            let slow = context.book.slowness(of: line.node)?.isPassedOver ?? false
            if !line.node.isEmpty {
                context.counters.chunkTime.record(UInt64(line.arrived))
                context.counters.waitingTime.record(UInt64(line.waited))
                context.counters.retries += UInt64(line.retries)
                context.counters.retriesPerChunk[min(Int(line.retries), 8)] += 1
                let opened = context.now.microseconds(since: began)
                trace.add(
                    .arrived(
                        chunk: index, node: line.node, waited: line.waited, worked: line.worked, retries: line.retries),
                    microseconds: min(line.arrived, opened))
            }
            settle(index, with: line, context: &context)
            if !line.node.isEmpty {
                context.histories[type, default: TypeHistory()].recordChunk(
                    bytes: bytes, worked: line.worked, took: slow ? nil : line.arrived)
            }
        }
    }

    /// Frees the nodes that were charged for a chunk: who was taken was in time or late, who was not is late if the chunk
    /// had to be asked for again. Where two must agree that says nothing: one of those not taken may have been right.
    private mutating func settle(_ index: Int, with line: JobAnswer.ChunkTrace, context: inout SplitContext) {
        let bytes = chunks[index].range.count
        let history = context.histories[request.type.name] ?? TypeHistory()
        let arrived = UInt64(line.arrived) * 1000
        while !chunks[index].working.isEmpty {
            let charge = takeCharge(0, of: index, context: &context)
            let after = charge.sent - began
            let took = max(arrived > after ? arrived - after : 0, (UInt64(line.waited) + UInt64(line.worked)) * 1000)
            if charge.node == line.node {
                context.book.completed(
                    at: charge.node, sent: charge.sent, took: took, bytes: bytes, history: history, now: context.now)
            } else if line.node.isEmpty || (line.retries > 0 && after == 0 && settings.reconciliation == .first) {
                context.book.lost(at: charge.node, sent: charge.sent, now: context.now)
                let least = line.node.isEmpty ? context.now - charge.sent : arrived
                context.book.judge(
                    charge.node, took: least, isOvertaken: !line.node.isEmpty, history: history, now: context.now)
            } else {
                context.book.released(by: charge.node)
            }
        }
    }
}
