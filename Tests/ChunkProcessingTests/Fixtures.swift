import ChunkProcessing
import Foundation
import Splitting
import Wire

let second = Duration.seconds(1)

func terms(_ type: String = "t", total: Int = 4) -> JobTerms {
    JobTerms(
        job: JobID(origin: 0x0102_0304_0506_0708, number: 9), requestType: type, total: total,
        endpoints: JobEndpoints(client: Endpoint("192.0.2.7:4321")!, virtual: Endpoint("[2001:db8::1]:53")!),
        timeLeft: 1_000_000, checksums: .xxh3)
}

func work(_ payload: [UInt8], index: Int = 2) -> ChunkWork {
    ChunkWork(terms: terms(), index: index, replica: 1, payload: payload)
}

/// Bytes that neither repeat soon nor compress to nothing.
func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 58)
    }
}

/// A child of the tests: a Python program that speaks frames.
///
/// The first byte of the chunk says what it does: `E` echo, `F` fail, `H` hang, `X` exit, `G` garbage, `L` a frame that
/// is too long, `B` twice the answer, `P` its process number, `V` its environment, `M` the request's header.
enum TestChild {
    static let program = """
        import os, signal, struct, sys, time
        signal.alarm(900)
        inp, out = sys.stdin.buffer, sys.stdout.buffer
        def answer(status, tag, body):
            out.write(struct.pack('>IBBHQ', 12 + len(body), 1, status, 0, tag) + body)
            out.flush()
        sys.stderr.write('began\\n'); sys.stderr.flush()
        while True:
            head = inp.read(4)
            if len(head) < 4: break
            frame = inp.read(struct.unpack('>I', head)[0])
            version, kind, offset, tag = struct.unpack('>BBHQ', frame[:12])
            body = frame[offset - 4:]
            if kind == 2:
                total = struct.unpack('>I', frame[32:36])[0]
                lengths = struct.unpack('>%dI' % total, body[:4 * total])
                at, parts = 4 * total, []
                for length in lengths:
                    parts.append(body[at:at + length]); at += length
                answer(0, tag, b'+'.join(parts)); continue
            what = body[:1]
            if what == b'E': answer(0, tag, body)
            elif what == b'F': answer(1, tag, b'I do not like it')
            elif what == b'H': time.sleep(60)
            elif what == b'X': os._exit(3)
            elif what == b'G': out.write(b'\\xff' * 64); out.flush()
            elif what == b'L': out.write(struct.pack('>I', 0xffffffff)); out.flush()
            elif what == b'B': answer(0, tag, b'1'); answer(0, tag, b'2')
            elif what == b'P': answer(0, tag, str(os.getpid()).encode())
            elif what == b'V': answer(0, tag, '\\n'.join(sorted('%s=%s' % v for v in os.environ.items())).encode())
            elif what == b'M': answer(0, tag, frame[:offset - 4])
        """

    static func settings(_ children: Int = 1, environment: [String] = []) -> ExecSettings {
        ExecSettings(
            command: ["/usr/bin/python3", "-c", program], environment: environment, children: children)
    }
}

/// Runs blocking work on a thread of its own, so that the test's threads stay free.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
