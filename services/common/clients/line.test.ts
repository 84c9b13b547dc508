import { connectivityState } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Line } from './line.js';

const { CONNECTING, IDLE, READY, TRANSIENT_FAILURE } = connectivityState;

describe('a line', () => {
  let opened: { state: connectivityState; closed: boolean }[];
  const open = () => {
    const channel = { state: IDLE, closed: false };
    opened.push(channel);
    return {
      getChannel: () => ({ getConnectivityState: () => channel.state }),
      close: () => void (channel.closed = true),
    };
  };

  beforeEach(() => {
    jest.useFakeTimers();
    opened = [];
  });
  afterEach(() => void jest.useRealTimers());

  test.each([CONNECTING, TRANSIENT_FAILURE])('in state %s is dialled anew after five seconds', (state) => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = state;
    jest.advanceTimersByTime(4_999);
    expect(opened).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test.each([READY, IDLE])('in state %s stays as it is', (state) => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = state;
    jest.advanceTimersByTime(60_000);
    expect(opened).toEqual([{ state, closed: false }]);
  });

  test('is dialled once every five seconds, however many calls are made', () => {
    const line = new Line(open);
    for (let second = 0; second < 20; second++) {
      for (let call = 0; call < 10; call++) line.channel();
      for (const channel of opened) channel.state = CONNECTING;
      jest.advanceTimersByTime(1_000);
    }
    expect(opened).toHaveLength(5);
  });

  test('that is closed opens nothing any more', () => {
    const line = new Line(open);
    line.channel();
    opened[0]!.state = CONNECTING;
    line.close();
    line.channel();
    jest.advanceTimersByTime(60_000);
    expect(opened).toEqual([{ state: CONNECTING, closed: true }]);
  });

  describe('makes a call', () => {
    const closedEarly = new Error('UNAVAILABLE: Channel closed before call started');

    test('again that had not begun when it was dialled anew', async () => {
      const line = new Line(open);
      const calls: unknown[] = [];
      const answer = line.call(async (channel) => {
        calls.push(channel);
        if (calls.length > 1) return 'answer';
        opened[0]!.state = CONNECTING;
        await jest.advanceTimersByTimeAsync(5_000);
        throw closedEarly;
      });
      expect(await answer).toBe('answer');
      expect(new Set(calls).size).toBe(2);
    });

    test('once that fails on a line that was closed, or for another reason', async () => {
      for (const error of [closedEarly, new Error('UNAVAILABLE: no')]) {
        const line = new Line(open);
        let calls = 0;
        const answer = line.call(() => {
          calls++;
          line.close();
          return Promise.reject(error);
        });
        await expect(answer).rejects.toBe(error);
        expect(calls).toBe(1);
      }
    });
  });
});
