space s {
  input image: [3, 32, 32]
  pick p in 2 from 0..3
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
