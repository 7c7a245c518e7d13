import Glibc
import NodeLinks
import Splitting
import Testing
import Wire

@testable import Splitter

/// In CI a privileged test that cannot run has to fail, not to be skipped.
private let inCI = unsafe getenv("CI") != nil

private let virtual4 = Endpoint("10.77.100.1:5300")!
private let virtual6 = Endpoint("[fd77:100::1]:5300")!

/// A sender with its loop, and what has ended.
private final class Sending {
    let loop: EventLoop
    let sender: AnswerSender
    var ended: [(job: UInt64, end: AnswerEnd)] = []
    var jobs: [UInt64] { ended.map(\.job) }

    init(_ settings: AnswerSockets.Settings = AnswerSockets.Settings(), maximumBytes: Int = 64 << 20) throws {
        loop = try EventLoop()
        sender = AnswerSender(settings, loop: loop, maximumBytes: maximumBytes)
        sender.onEnd = { [unowned self] in ended += $0.map { ($0.job.number, $0.end) } }
    }

    func send(
        _ job: UInt64, _ datagrams: [[UInt8]], from virtual: Endpoint = virtual4, to client: Endpoint,
        within time: Int64 = 10_000_000_000
    ) {
        sender.send(
            WaitingAnswer(
                job: JobID(origin: 1, number: job), client: client, datagrams: datagrams,
                deadline: MonotonicClock.now + time),
            from: virtual)
    }

    /// Turns the loop until so many answers have ended, at most 10 s.
    func run(until count: Int) {
        let end = MonotonicClock.now + 10_000_000_000
        while ended.count < count, MonotonicClock.now < end {
            loop.turn(waitingAtMost: .milliseconds(10))
            sender.expire(now: MonotonicClock.now)
        }
    }

    /// Nothing is held any more.
    var isIdle: Bool { sender.waiting == 0 && sender.waitingBytes == 0 }
}

@Suite(.serialized, .enabled(if: geteuid() == 0 || inCI))
struct AnswerSenderTests {
    private static let slow = "tc qdisc add dev lb root tbf rate 100mbit burst 20000 limit 40000000"
    /// A small send buffer: two or three datagrams of 60,000 bytes.
    private static let small = AnswerSockets.Settings(sendBuffer: 262_144)

    private static func datagrams(_ count: Int, _ length: Int = 60_000) -> [[UInt8]] {
        (0..<count).map { pattern($0..<length + $0) }
    }

    @Test func aHalfSentAnswerGoesOnWhenTheSocketHasRoom() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            for (job, (virtual, address)) in [(virtual4, TwoHosts.client4), (virtual6, TwoHosts.client6)].enumerated() {
                let client = try hosts.asClient { try ClientSocket(address) }
                let sending = try Sending(Self.small)
                let answer = Self.datagrams(20)
                sending.send(
                    UInt64(job), answer, from: virtual, to: Endpoint(address: address, port: client.port))
                #expect(sending.ended.isEmpty && sending.sender.waiting == 1)
                sending.run(until: 1)
                #expect(sending.jobs == [UInt64(job)] && sending.ended.first?.end == .sent && sending.isIdle)
                for datagram in answer { #expect(client.receive()?.bytes == datagram) }
            }
        }
    }

    @Test func aSingleAnswerWaitsForRoomAsWell() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            let sending = try Sending(Self.small)
            let answers = Self.datagrams(20)
            for (job, datagram) in answers.enumerated() { sending.send(UInt64(job), [datagram], to: endpoint) }
            #expect(sending.sender.waiting > 10)
            sending.run(until: 20)
            #expect(sending.jobs == (0..<20).map { $0 } && sending.ended.allSatisfy { $0.end == .sent })
            for datagram in answers { #expect(client.receive()?.bytes == datagram) }
        }
    }

    @Test func aShortAnswerOvertakesTheLongOneOfAnotherClientButNoneOfItsOwn() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            let clients = try hosts.asClient { try (0..<2).map { _ in try ClientSocket(TwoHosts.client4) } }
            let endpoints = clients.map { Endpoint(address: TwoHosts.client4, port: $0.port) }
            let sending = try Sending(Self.small)
            sending.send(1, Self.datagrams(40), to: endpoints[0])
            sending.send(2, [[2]], to: endpoints[0])
            sending.send(3, [[3]], to: endpoints[1])
            sending.run(until: 3)
            #expect(sending.jobs == [3, 1, 2])
            for datagram in Self.datagrams(40) { #expect(clients[0].receive()?.bytes == datagram) }
            #expect(clients[0].receive()?.bytes == [2])
            #expect(clients[1].receive()?.bytes == [3])
        }
    }

    @Test func aDeviceThatDropsIsTriedAgainUntilAllHasLeft() throws {
        try TwoHosts.run { hosts in
            // Room for one datagram and a half: of the second a part is dropped, and no socket tells when there is room.
            try TwoHosts.shell("tc qdisc add dev lb root tbf rate 100mbit burst 4000 limit 90000")
            for (job, (virtual, address)) in [(virtual4, TwoHosts.client4), (virtual6, TwoHosts.client6)].enumerated() {
                let client = try hosts.asClient { try ClientSocket(address) }
                let sending = try Sending()
                let answer = Self.datagrams(10)
                sending.send(
                    UInt64(job), answer, from: virtual, to: Endpoint(address: address, port: client.port))
                #expect(sending.ended.isEmpty)
                sending.run(until: 1)
                #expect(sending.ended.first?.end == .sent && sending.isIdle)
                for datagram in answer { #expect(client.receive()?.bytes == datagram) }
            }
        }
    }

    @Test func anAnswerIsGivenUpWhenItsTimeIsOverAndNotBefore() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell("tc qdisc add dev lb root tbf rate 10mbit burst 4000 limit 40000000")
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            let sending = try Sending(Self.small)
            let begin = MonotonicClock.now
            sending.send(1, Self.datagrams(40), to: endpoint, within: 200_000_000)
            sending.send(2, [[2]], to: endpoint)
            sending.run(until: 1)
            #expect((200_000_000..<1_500_000_000).contains(MonotonicClock.now - begin))
            guard case .late(let sent, let count)? = sending.ended.first?.end else {
                Issue.record("\(sending.ended)")
                return
            }
            #expect((1..<20).contains(sent) && count == 40)
            // The client's next answer is not lost with it.
            sending.run(until: 2)
            #expect(sending.jobs == [1, 2] && sending.ended.last?.end == .sent && sending.isIdle)
        }
    }

    @Test func whatWaitsIsBounded() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            let other = Endpoint(address: virtual4.address, port: 5301)
            let sending = try Sending(Self.small, maximumBytes: 500_000)
            // One that waits alone may be longer; then there is no room, but for what need not wait.
            sending.send(1, Self.datagrams(20), to: endpoint)
            #expect(sending.sender.waitingBytes == 1_200_000)
            sending.send(2, [[2]], to: endpoint)
            sending.send(3, [[3], [3]], from: other, to: endpoint)
            #expect(sending.jobs == [2, 3] && sending.ended.allSatisfy { $0.end == .noRoom })
            sending.send(4, [[4]], from: other, to: endpoint)
            #expect(sending.ended.last?.job == 4 && sending.ended.last?.end == .sent)
            sending.run(until: 4)
            #expect(sending.jobs == [2, 3, 4, 1] && sending.ended.last?.end == .sent && sending.isIdle)
        }
    }

    @Test func theSocketThatIsWaitedForIsNotClosedForAnothers() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let endpoint = Endpoint(address: TwoHosts.client4, port: client.port)
            let sending = try Sending(AnswerSockets.Settings(limit: 1, sendBuffer: 262_144))
            sending.send(1, Self.datagrams(10), to: endpoint)
            for port in 1...3 {
                sending.send(
                    UInt64(1 + port), [[UInt8(port)]], from: Endpoint(address: virtual4.address, port: UInt16(port)),
                    to: endpoint)
            }
            #expect(sending.ended.isEmpty)
            sending.run(until: 4)
            #expect(sending.jobs.first == 1 && sending.jobs.sorted() == [1, 2, 3, 4])
            #expect(sending.ended.allSatisfy { $0.end == .sent } && sending.isIdle)
        }
    }

    @Test func atTheEndAllThatWaitsIsGivenUpOnce() throws {
        try TwoHosts.run { hosts in
            try TwoHosts.shell(Self.slow)
            let sending = try Sending(Self.small)
            for job in 1...3 {
                sending.send(
                    UInt64(job), Self.datagrams(10),
                    from: Endpoint(address: virtual4.address, port: UInt16(5300 + job % 2)),
                    to: Endpoint(address: TwoHosts.client4, port: 9))
            }
            sending.sender.giveUpAll()
            #expect(sending.jobs.sorted() == [1, 2, 3] && sending.ended.allSatisfy { $0.end == .stopped })
            #expect(sending.isIdle)
            sending.loop.turn(waitingAtMost: .milliseconds(50))
            sending.sender.giveUpAll()
            #expect(sending.ended.count == 3)
        }
    }

    @Test func aRefusalEndsOneAnswerAndNotTheNext() throws {
        try TwoHosts.run { hosts in
            let client = try hosts.asClient { try ClientSocket(TwoHosts.client4) }
            let sending = try Sending()
            sending.send(1, [[1]], to: Endpoint("192.0.2.9:7")!)
            sending.send(2, [pattern(0..<65_508)], to: Endpoint(address: TwoHosts.client4, port: client.port))
            sending.send(3, [[3]], to: Endpoint(address: TwoHosts.client4, port: client.port))
            guard case .failed(let error)? = sending.ended.first?.end else {
                Issue.record("\(sending.ended)")
                return
            }
            #expect(error.code == ENETUNREACH && sending.jobs == [1, 2, 3])
            #expect(sending.ended.map(\.end).dropFirst() == [.tooLong, .sent] && sending.isIdle)
            #expect(client.receive()?.bytes == [3])
        }
    }
}
