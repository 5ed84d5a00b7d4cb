import { describeUnusableRedis } from './unusable-redis.ts';

describeUnusableRedis('fault 5: Redis is frozen', {
  inflict: async (redis) => redis.freeze(),
  repair: async (redis) => redis.thaw(),
});
