package avatar

import (
	"container/heap"
	"errors"
	"sync"
	"time"
)

var errClosed = errors.New("the avatar is closed")

// task is a frame that somebody waits for.
type task struct {
	deadline time.Time
	make     func() (Frame, error)
	done     chan result   // holds one
	dropped  chan struct{} // closed when nobody wants it any more
}

func newTask(deadline time.Time, work func() (Frame, error)) *task {
	return &task{deadline, work, make(chan result, 1), make(chan struct{})}
}

// tasks is a heap: the earliest deadline comes first.
type tasks []*task

func (t tasks) Len() int           { return len(t) }
func (t tasks) Less(i, j int) bool { return t[i].deadline.Before(t[j].deadline) }
func (t tasks) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tasks) Push(one any)      { *t = append(*t, one.(*task)) }
func (t *tasks) Pop() any {
	old := *t
	one := old[len(old)-1]
	*t = old[:len(old)-1]
	return one
}

// pool makes the frames of all live sessions of an avatar: its workers take the one whose deadline is first.
type pool struct {
	lock    sync.Mutex
	changed *sync.Cond
	waiting tasks
	closed  bool
	workers sync.WaitGroup
}

func newPool(workers int) *pool {
	p := &pool{}
	p.changed = sync.NewCond(&p.lock)
	for range workers {
		p.workers.Go(p.work)
	}
	return p
}

func (p *pool) submit(one *task) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.closed {
		one.done <- result{err: errClosed}
		return
	}
	heap.Push(&p.waiting, one)
	p.changed.Signal()
}

func (p *pool) work() {
	for {
		p.lock.Lock()
		for len(p.waiting) == 0 && !p.closed {
			p.changed.Wait()
		}
		if len(p.waiting) == 0 {
			p.lock.Unlock()
			return
		}
		one := heap.Pop(&p.waiting).(*task)
		closed := p.closed
		p.lock.Unlock()
		select {
		case <-one.dropped:
			continue
		default:
		}
		if closed {
			one.done <- result{err: errClosed}
			continue
		}
		frame, err := one.make()
		one.done <- result{frame, err}
	}
}

func (p *pool) close() {
	p.lock.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.lock.Unlock()
	p.workers.Wait()
}
