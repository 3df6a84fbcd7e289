package sslkittest

import "sslnotes/sslkit/museum"

// WhichBug is [museum.WhichBug]: which published fault a loss has, if any. It
// stands here for the tests of a method whose loss is one that the museum knows.
func WhichBug(loss any) museum.Diagnosis { return museum.WhichBug(loss) }
