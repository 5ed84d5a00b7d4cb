import { describeUnusableRedis } from './unusable-redis.ts';

describeUnusableRedis('fault 6: the memory of Redis is full', {
  inflict: (redis) => redis.fill(),
  repair: (redis) => redis.empty(),
});
