package main

import "syscall"

// peak is the most memory in bytes that the process, or the largest of those that it ran, had at once.
func peak(who int) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return usage.Maxrss
}
