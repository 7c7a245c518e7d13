import Splitting
import Testing

@Suite("Job names")
struct JobIDTests {
    @Test func aNameIsWrittenInSixteenDigitsAndANumber() {
        #expect(JobID(origin: 0xAB, number: 1024).description == "00000000000000ab-1024")
    }

    @Test func namesAreOrderedByOriginThenNumber() {
        #expect(JobID(origin: 1, number: 9) < JobID(origin: 2, number: 1))
        #expect(JobID(origin: 1, number: 1) < JobID(origin: 1, number: 2))
    }
}
