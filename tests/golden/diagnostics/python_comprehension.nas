space s {
  input image: [3, 32, 32]
  xs = [relu(i) for i in 0..3]
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
