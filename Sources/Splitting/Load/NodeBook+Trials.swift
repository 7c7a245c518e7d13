import Selection

/// A chunk that a node which is passed over works on besides the node that it was given to.
struct NodeTrial {
    /// The name it goes by: a job of its own.
    let job: JobID
    let sent: UInt64
    /// When it is given up, in monotonic nanoseconds: a node that takes as long is slow.
    let deadline: UInt64
    /// What such a chunk usually takes, in nanoseconds.
    let usual: UInt64
}

/// How nodes that are passed over come back. Nobody waits for a trial: one that is still slow makes no job late.
extension NodeBook {
    /// The live nodes of a ring that it is time to try. Trials that have not come back by their deadlines end here.
    mutating func takeDueTrials(in ring: ShardTable, now: UInt64) -> [String] {
        var due: [String] = []
        for member in ring.members where member.weight > 0 {
            guard let node = nodes[member.name], node.slowness.isPassedOver else { continue }
            if let trial = node.trial {
                if trial.deadline <= now { conclude(trial, of: member.name, took: nil, now: now) }
            } else if node.slowness.trialDue <= now, isAlive(member.name, now: now),
                credit(of: member.name, now: now) > 0
            {
                due.append(member.name)
            }
        }
        return due
    }

    /// A chunk was sent to see how long the node takes.
    mutating func begin(_ trial: NodeTrial, of name: String) {
        nodes[name]?.trial = trial
        sent(to: name)
    }

    /// A node has returned its trial.
    ///
    /// - Parameter isDone: whether it was worked on; else nothing is learnt.
    /// - Returns: false if it has none by this name.
    mutating func endTrial(_ job: JobID, of name: String, isDone: Bool, now: UInt64) -> Bool {
        guard let trial = nodes[name]?.trial, trial.job == job else { return false }
        if isDone {
            conclude(trial, of: name, took: now - min(trial.sent, now), now: now)
        } else {
            cancelTrial(job, of: name, now: now)
        }
        return true
    }

    /// A trial will not come back, for no fault of the node's speed.
    mutating func cancelTrial(_ job: JobID, of name: String, now: UInt64) {
        guard let trial = nodes[name]?.trial, trial.job == job else { return }
        nodes[name]?.trial = nil
        nodes[name]?.slowness.postponeTrial(now: now)
        released(by: name)
    }

    private mutating func conclude(_ trial: NodeTrial, of name: String, took: UInt64?, now: UInt64) {
        nodes[name]?.trial = nil
        released(by: name)
        let others = medianRatio(now: now)
        nodes[name]?.slowness.tried(
            took.map { Double($0) / Double(trial.usual) }, others: others, factor: Double(settings.slowFactor),
            now: now)
    }
}
