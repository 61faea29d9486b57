package awsfake

import (
	"crypto/md5" // the protocol's own checksum, no secret
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// defaultVisibility is SQS's default visibility timeout.
const defaultVisibility = 30 * time.Second

// queue is one standard queue. It delivers messages in the order in which they were sent, except
// that groups take turns. Callers hold the lock of SQS.
type queue struct {
	name        string
	attributes  map[string]string
	visibility  time.Duration
	delay       time.Duration
	deadLetters string // name of the dead-letter queue, "" if it has no such queue
	maxReceives int    // receives after which a message goes to that queue
	messages    []*message
}

type message struct {
	id, body   string
	group      string // "" if it has no group
	attributes json.RawMessage
	sent       time.Time
	visible    time.Time // it can be received from then on
	first      time.Time // when it was first received
	receives   int
	receipt    string // handle of the last receive
}

// newQueue reads the attributes that CreateQueue takes. Those that it does not know it only
// returns.
func newQueue(name string, attributes map[string]string) *queue {
	q := &queue{name: name, attributes: attributes, visibility: defaultVisibility}
	if seconds, err := strconv.Atoi(attributes["VisibilityTimeout"]); err == nil {
		q.visibility = time.Duration(seconds) * time.Second
	}
	if seconds, err := strconv.Atoi(attributes["DelaySeconds"]); err == nil {
		q.delay = time.Duration(seconds) * time.Second
	}
	q.deadLetters, q.maxReceives = redrive(attributes["RedrivePolicy"])
	return q
}

func redrive(policy string) (deadLetters string, maxReceives int) {
	var parsed struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"` // SQS takes a number and the text of one
	}
	if json.Unmarshal([]byte(policy), &parsed) != nil {
		return "", 0
	}
	count, err := strconv.Atoi(parsed.Max.String())
	if err != nil {
		return "", 0
	}
	return parsed.Target[strings.LastIndexByte(parsed.Target, ':')+1:], count
}

// sendEntry is a message to send, alone or in a batch.
type sendEntry struct {
	Id                string //nolint:revive // the wire's own name
	MessageBody       string
	MessageGroupId    *string //nolint:revive // the wire's own name
	DelaySeconds      *int
	MessageAttributes json.RawMessage
}

func (e sendEntry) check() error {
	switch {
	case e.MessageBody == "":
		return invalid("MessageBody is empty")
	case len(e.MessageBody) > maxMessageBytes:
		return invalid("MessageBody is longer than %d bytes", maxMessageBytes)
	case e.MessageGroupId != nil && !groupID.MatchString(*e.MessageGroupId):
		return invalid("MessageGroupId has 1 to 128 letters, digits and punctuation marks")
	}
	return nil
}

var groupID = regexp.MustCompile("^[!-~]{1,128}$")

// sentEntry is the answer to a sendEntry.
type sentEntry struct {
	Id               string `json:",omitempty"` //nolint:revive // the wire's own name
	MessageId        string //nolint:revive // the wire's own name
	MD5OfMessageBody string
}

func (q *queue) send(now time.Time, entry sendEntry) sentEntry {
	delay := q.delay
	if entry.DelaySeconds != nil {
		delay = time.Duration(*entry.DelaySeconds) * time.Second
	}
	m := &message{
		id: uuid.NewString(), body: entry.MessageBody, attributes: entry.MessageAttributes,
		sent: now, visible: now.Add(delay),
	}
	if entry.MessageGroupId != nil {
		m.group = *entry.MessageGroupId
	}
	q.messages = append(q.messages, m)
	return sentEntry{Id: entry.Id, MessageId: m.id, MD5OfMessageBody: checksum(m.body)}
}

// received is a message as ReceiveMessage returns it, with all attributes, asked for or not.
type received struct {
	MessageId, ReceiptHandle, Body, MD5OfBody string //nolint:revive // the wire's own name
	Attributes                                map[string]string
	MessageAttributes                         json.RawMessage `json:",omitempty"`
}

// receive delivers up to limit visible messages and hides them. A message received too often goes
// to the dead-letter queue instead.
func (q *queue) receive(now time.Time, hidden time.Duration, limit int, deadLetters *queue) []received {
	var out []received
	given := map[*message]bool{} // a message with a visibility timeout of 0 is visible again at once
	for len(out) < limit {
		m := q.next(now, given)
		if m == nil {
			break
		}
		given[m] = true
		if deadLetters != nil && m.receives >= q.maxReceives {
			m.visible = now
			deadLetters.messages = append(deadLetters.messages, m)
			q.messages = slices.DeleteFunc(q.messages, func(o *message) bool { return o == m })
			continue
		}
		out = append(out, m.receive(now, hidden))
	}
	return out
}

// next returns the first visible message of the group that has the fewest in flight, as a fair
// queue does. Each message without a group counts as a group of its own.
func (q *queue) next(now time.Time, given map[*message]bool) *message {
	flying := map[string]int{}
	for _, m := range q.messages {
		if m.group != "" && m.receives > 0 && m.visible.After(now) {
			flying[m.group]++
		}
	}
	var best *message
	for _, m := range q.messages {
		if !given[m] && !m.visible.After(now) && (best == nil || flying[m.group] < flying[best.group]) {
			best = m
		}
	}
	return best
}

func (m *message) receive(now time.Time, hidden time.Duration) received {
	if m.receives == 0 {
		m.first = now
	}
	m.receives++
	m.receipt = uuid.NewString()
	m.visible = now.Add(hidden)
	out := received{
		MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, MD5OfBody: checksum(m.body),
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(m.receives),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
			"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
			"SenderId":                         account,
		},
		MessageAttributes: m.attributes,
	}
	if m.group != "" {
		out.Attributes["MessageGroupId"] = m.group
	}
	return out
}

// delete removes the message with this receipt handle. As in SQS it does nothing, and is no error,
// if the message is gone or was received again since.
func (q *queue) delete(receipt string) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == receipt })
}

func (q *queue) describe(now time.Time) map[string]string {
	visible, hidden, delayed := 0, 0, 0
	for _, m := range q.messages {
		switch {
		case !m.visible.After(now):
			visible++
		case m.receives > 0:
			hidden++
		default:
			delayed++
		}
	}
	out := map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(q.visibility.Seconds())),
	}
	maps.Copy(out, q.attributes)
	out["QueueArn"] = "arn:aws:sqs:us-east-1:" + account + ":" + q.name
	out["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(hidden)
	out["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	return out
}

func checksum(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}
