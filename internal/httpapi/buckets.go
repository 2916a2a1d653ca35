package httpapi

import (
	"math"
	"time"
)

// buckets are token buckets, one per client: each holds at most burst points and
// gains rate points a second. At most most clients are remembered, those that
// asked last; one that is forgotten begins anew with a full bucket. take allocates
// nothing for a client that is known. The caller sees to it that one goroutine at
// a time comes here.
type buckets struct {
	rate, burst float64
	most        int
	at          map[client]int32
	list        []bucket // a ring through newer and older, list[0] its fixed point
}

type bucket struct {
	key          client
	points       float64
	seen         time.Duration
	newer, older int32
}

func newBuckets(rate, burst float64, most int) *buckets {
	return &buckets{rate: rate, burst: burst, most: most, at: map[client]int32{}, list: make([]bucket, 1)}
}

// take takes the cost out of the client's bucket at the time now, if there is
// enough; else it takes nothing and returns how long the client has to wait. A
// cost above burst is taken as burst. now counts from any moment, and never goes back.
func (b *buckets) take(c client, cost float64, now time.Duration) (left float64, wait time.Duration) {
	i, known := b.at[c]
	if !known {
		i = b.add(c, now)
	}
	b.front(i)
	k := &b.list[i]
	k.points = math.Min(b.burst, k.points+(now-k.seen).Seconds()*b.rate)
	k.seen = now
	if cost = math.Min(cost, b.burst); k.points < cost {
		return k.points, time.Duration((cost - k.points) / b.rate * float64(time.Second))
	}
	k.points -= cost
	return k.points, 0
}

// left is what the client's bucket holds now, without a mark that it asked.
func (b *buckets) left(c client, now time.Duration) float64 {
	i, known := b.at[c]
	if !known {
		return b.burst
	}
	return math.Min(b.burst, b.list[i].points+(now-b.list[i].seen).Seconds()*b.rate)
}

// add makes a full bucket, in the place of the one unused for longest when there
// are enough.
func (b *buckets) add(c client, now time.Duration) int32 {
	i := int32(len(b.list))
	if len(b.at) < b.most {
		b.list = append(b.list, bucket{})
	} else {
		i = b.list[0].newer // round the ring: the oldest
		b.unlink(i)
		delete(b.at, b.list[i].key)
	}
	b.list[i] = bucket{key: c, points: b.burst, seen: now, newer: i, older: i}
	b.at[c] = i
	return i
}

// front makes the bucket the newest.
func (b *buckets) front(i int32) {
	b.unlink(i)
	newest := b.list[0].older
	b.list[i].newer, b.list[i].older = 0, newest
	b.list[newest].newer, b.list[0].older = i, i
}

func (b *buckets) unlink(i int32) {
	n, o := b.list[i].newer, b.list[i].older
	b.list[n].older, b.list[o].newer = o, n
}
