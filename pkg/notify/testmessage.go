package notify

import "reseed/pkg/job"

const (
	testSubject = "Test of Reseed's mail"
	testText    = "This is a test: somebody asked Reseed for it in its settings.\nMail from Reseed reaches you. It tells you how imports and erases end, and when one waits for your yes.\n"
	testHTML    = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>` + testSubject + `</title></head>
<body>
<h1>` + testSubject + `</h1>
<p>This is a test: somebody asked Reseed for it in its settings.</p>
<p>Mail from Reseed reaches you. It tells you how imports and erases end, and when one waits for your yes.</p>
</body>
</html>
`
)

// testMessage is a message by which people see whether mail reaches them.
func testMessage(m *job.Message) *Message {
	return &Message{Facts: &Facts{ID: m.ID(), About: m.About}, Made: m.Made, Subject: testSubject, Text: testText, HTML: testHTML}
}
